"""What a body wears and holds, from the skin outwards."""

from __future__ import annotations

import numpy as np

from export.figures.body import Body, Posed
from export.figures.dressing import Dressing
from export.figures.heads import dress_head
from export.figures.held import THINGS, thing
from export.figures.layers import Outfit
from export.figures.surfaces import HAIRS, SKINS, Paint, cloth_colour, mottled, pattern
from export.figures.wardrobe import Wardrobe
from export.synthesis.backgrounds import Rng


def dress(
    rng: Rng, body: Body, posed: Posed, wardrobe: Wardrobe, held: str = "", woman: bool = True
) -> Outfit:
    """Draw what is worn, and what is held in the hands of the sides `held` ("L", "R")."""
    dressing = Dressing(rng, body, posed, wardrobe)
    # The scale's tones are flat patches; a camera sees living skin slightly redder.
    tone = np.asarray(SKINS[int(rng.integers(10))], float)[::-1] * (0.84, 0.91, 1.0)
    skin = mottled(rng, tone, 0.05, 0.06)
    dye = np.asarray(HAIRS[int(rng.integers(len(HAIRS)))], float)[::-1] * rng.uniform(0.8, 1.2)
    dressing.skin(skin, tone, dye)
    top = pattern(rng, cloth_colour(rng))
    if (wardrobe.women if woman else wardrobe.men) and rng.random() < 0.4:
        dressing.suit(woman)
    else:
        top = _drawn(rng, dressing)
    if rng.random() < 0.92:
        dressing.shod()
    dress_head(rng, dressing, dye, top)
    for side in held:
        dressing.pieces += thing(rng, posed, side, str(rng.choice(THINGS)))
    worn = np.zeros(len(posed.rest), bool)
    for layer in dressing.layers[1:]:
        worn |= layer.level > 0
    shown = (body.group == "body") | worn[body.faces].all(axis=1)
    shown &= ~dressing.hidden[body.faces].all(axis=1)
    return Outfit(dressing.layers, dressing.offset, shown, dressing.pieces, dressing.fringe)


def _drawn(rng: Rng, dressing: Dressing) -> Paint:
    """Clothes drawn on the skin: trousers or a skirt, and a top or a long coat; the top's paint."""
    kind = str(rng.choice(("trousers", "skirt", "coat"), p=(0.62, 0.2, 0.18)))
    thick = float(rng.choice((0.008, 0.018, 0.032)))
    sleeve = float(rng.choice((-0.5, 0.15, 0.5, 1.3, 2.05), p=(0.06, 0.06, 0.28, 0.1, 0.5)))
    bottom = pattern(rng, cloth_colour(rng))
    if kind == "coat":
        thick, sleeve = rng.uniform(0.02, 0.04), 2.05
    long = 0.35 if kind == "skirt" else float(rng.choice((0.5, 0.95, 2.05), p=(0.18, 0.17, 0.65)))
    dressing.trousers(long, bottom)
    top = dressing.top(thick, sleeve, bottom)
    if kind != "trousers":
        dressing.skirt(bottom if kind == "skirt" else top)
    return top
