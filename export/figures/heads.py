"""What is on a head: hair of any length, a scarf, a hood, a hat, a helmet, devices."""

from __future__ import annotations

import numpy as np

from export.figures.body import Floats
from export.figures.dressing import Dressing
from export.figures.headgear import (
    HATS,
    Skull,
    bun,
    glasses,
    hat,
    headphones,
    headset_arm,
    skull_of,
)
from export.figures.layers import Fringe, Layer
from export.figures.pieces import CLOTH, HAIR
from export.figures.surfaces import Paint, cloth_colour, mottled, pattern, waves
from export.figures.wardrobe import hair_piece, worn_garment
from export.synthesis.backgrounds import Rng


def dress_head(rng: Rng, on: Dressing, dye: Floats, top: Paint) -> None:
    """Hair of any length, a headscarf, a hood, a hat or a helmet; or none of it."""
    skull = skull_of(on.posed, on.where)
    kinds = ("short", "long", "scarf", "hood", "big", "made", "hat", "bald")
    kind = str(rng.choice(kinds, p=(0.17, 0.14, 0.06, 0.06, 0.09, 0.24, 0.19, 0.05)))
    if kind == "made" and not on.wardrobe.hair:
        kind = "short"
    paint = mottled(rng, dye, 0.2, 0.012 * on.scale, 0.15)
    if kind in ("scarf", "hood"):
        _covered(on, kind, top)
    elif kind == "made":
        garment = on.wardrobe.hair[int(rng.integers(len(on.wardrobe.hair)))]
        _scalp(on, paint, 0.004)
        on.put_on(garment, hair_piece(on.body, on.posed, garment, paint))
        if garment.name.startswith("afro"):
            on.fringe = Fringe(int(rng.integers(1500, 5000)), 0.8, 2.5)
    elif kind == "hat":
        _hat(on, skull, paint)
    elif kind != "bald":
        _own_hair(on, kind, paint, skull)
    _devices(on, skull, kind)


def _scalp(on: Dressing, paint: Paint, thick: float, bumpy: float = 0.25) -> None:
    where, level = on.where, on.where.scalp
    bumps = waves(on.rng, np.stack([where.wide, where.ahead, where.above], 1), 0.35)
    on.offset[level > 0] = (thick * on.scale * (1 + bumpy * bumps))[level > 0]
    on.layers.append(Layer(level, paint, HAIR))


def _own_hair(on: Dressing, kind: str, paint: Paint, skull: Skull) -> None:
    rng, where = on.rng, on.where
    if kind == "big":  # thinner towards the hairline, or it would stand off like a hat
        thick = rng.uniform(0.04, 0.11)
        _scalp(on, paint, thick, 0.08)
        rise = np.clip(where.scalp / 0.35, 0.12, 1) ** 0.5
        on.offset[where.scalp > 0] *= rise[where.scalp > 0]
        curl = float(rng.choice((0.6, 2.0, 3.0)))
        on.fringe = Fringe(int(rng.integers(1200, 5000)), rng.uniform(0.4, 1.1), curl)
        return
    _scalp(on, paint, rng.uniform(0.006, 0.03))
    if kind == "long":
        # The mesh's hair hangs over the face too; it is left out there.
        free = np.maximum(where.ahead - 0.22, where.above - 0.36)
        if rng.random() < 0.5:
            free = np.maximum(free, where.wide - 0.36)
        level = np.minimum(free, where.above + rng.uniform(0.4, 2.2))
        level = np.where(on.helper("helper-hair"), level, -1.0)
        on.layers.append(Layer(level, paint, HAIR))
        on.fringe = Fringe(int(rng.integers(100, 900)))
    elif rng.random() < 0.25:
        on.pieces += bun(rng, on.posed, skull, paint)


def _covered(on: Dressing, kind: str, top: Paint) -> None:
    """A headscarf, or the hood of what is worn above."""
    rng, where = on.rng, on.where
    paint = top if kind == "hood" else pattern(rng, cloth_colour(rng))
    thick = on.scale * (rng.uniform(0.02, 0.045) if kind == "hood" else 0.015)
    level = np.where(where.part["head"] & ~where.face, 1.0, -1.0)
    level = np.where(where.part["neck"], 1.0, level)
    bumps = waves(rng, np.stack([where.wide, where.ahead, where.above], 1), 0.5)
    on.offset[level > 0] = (thick * (1 + 0.2 * bumps))[level > 0]
    on.layers.append(Layer(level, paint, CLOTH))


def _hat(on: Dressing, skull: Skull, paint: Paint) -> None:
    """A hat on short hair, some of it hanging out below."""
    rng, hats = on.rng, on.wardrobe.hats
    _scalp(on, paint, 0.004)
    if rng.random() < 0.4:
        level = np.minimum(on.where.ahead - 0.3, on.where.above + rng.uniform(0.4, 1.8))
        level = np.minimum(level, 0.1 - on.where.above)
        level = np.where(on.helper("helper-hair"), level, -1.0)
        on.layers.append(Layer(level, paint, HAIR))
    if hats and rng.random() < 0.25:
        garment, cloth = hats[int(rng.integers(len(hats)))], pattern(rng, cloth_colour(rng))
        on.put_on(garment, worn_garment(rng, on.body, on.posed, garment, cloth))
    else:
        on.pieces += hat(rng, on.posed, skull, str(rng.choice(HATS)))


def _devices(on: Dressing, skull: Skull, kind: str) -> None:
    rng = on.rng
    if kind not in ("hat", "big") and rng.random() < 0.1:
        on.pieces += headphones(rng, on.posed, skull)
        if rng.random() < 0.4:
            on.pieces += headset_arm(on.posed, skull)
    if rng.random() < 0.22:
        on.pieces += glasses(rng, on.posed, skull)
