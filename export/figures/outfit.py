"""What a body wears, in layers: where, how far off the skin, and in which colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Body, Floats, Posed
from export.figures.regions import regions
from export.figures.surfaces import (
    HAIRS,
    SKINS,
    Paint,
    cloth_colour,
    mottled,
    pattern,
    plain,
    waves,
)
from export.synthesis.backgrounds import Rng

SMOOTH, CLOTH, HAIR = 0, 1, 2  # how a surface reflects light


@dataclass(frozen=True)
class Layer:
    """One thing worn, or the skin: it covers where `level` is above zero."""

    level: Floats  # (n,) by vertex, roughly metres or shares of a limb: only the sign matters
    paint: Paint  # resting positions (p, 3) to BGR 0..255 (p, 3)
    surface: int  # SMOOTH, CLOTH or HAIR


@dataclass(frozen=True)
class Outfit:
    """All that the renderer needs to know about what a body wears."""

    layers: list[Layer]  # later ones cover earlier ones
    offset: Floats  # (n,), metres along the normal
    shown: NDArray[np.bool_]  # (f,)


class _Dressing:
    """A body being dressed: each method draws one thing and lays it over the others."""

    def __init__(self, rng: Rng, body: Body, posed: Posed) -> None:
        self.rng, self.body, self.rest = rng, body, posed.rest
        self.where = regions(body, posed)
        self.scale = self.where.tall / 1.7
        self.layers: list[Layer] = []
        self.offset = np.zeros(len(posed.rest))

    def wear(self, level: Floats, thick: float, folds: float, paint: Paint) -> None:
        """Cloth that falls in folds, `thick` metres off the skin of somebody 1.7 m tall."""
        rng, scale = self.rng, self.scale
        fold = waves(rng, self.rest * (1.0, 1.0, 0.5), rng.uniform(0.07, 0.2) * scale)
        fine = waves(rng, self.rest, 0.05 * scale)
        off = thick + folds * np.maximum(-1.2, fold) + 0.25 * folds * fine
        on = level > 0
        self.offset[on] = np.maximum(0.002, off * scale)[on]
        self.layers.append(Layer(level, paint, CLOTH))

    def helper(self, group: str) -> NDArray[np.bool_]:
        """The vertices (n,) of one of the mesh's helpers."""
        mask = np.zeros(len(self.rest), bool)
        mask[self.body.faces[self.body.group == group]] = True
        return mask

    def skin(self, paint: Paint, tone: Floats, dye: Floats) -> None:
        """Skin, eyes, brows, lips, occasionally a beard."""
        rng, where, add = self.rng, self.where, self.layers.append
        add(Layer(np.ones(len(self.rest)), paint, SMOOTH))
        eye = where.part["eye"]
        front = eye & (where.ahead < np.quantile(where.ahead[eye], 0.2))
        add(Layer(np.where(eye, 1.0, -1.0), plain((215, 222, 225)), SMOOTH))
        add(Layer(np.where(front, 1.0, -1.0), plain((35, 40, 45)), SMOOTH))
        brow = np.where(where.face, 0.03 - np.abs(where.above - 0.12), -1.0)
        brow = np.where((where.wide > 0.07) & (where.wide < 0.3), brow, -1.0)
        add(Layer(brow, plain(tuple(0.5 * tone * 0.6 + 0.2 * dye)), SMOOTH))
        lips = np.where(where.face & (where.wide < 0.13), 0.03 - np.abs(where.above + 0.36), -1.0)
        add(Layer(lips, plain(tuple(tone * (0.7, 0.68, 0.9))), SMOOTH))
        if rng.random() < 0.15:
            beard = np.where(where.face, -0.3 - where.above, -1.0)
            beard = np.where(lips > 0, -1.0, beard)
            self.offset[beard > 0] = rng.uniform(0.002, 0.02) * self.scale
            add(Layer(beard, mottled(rng, dye, 0.2, 0.012, 0.2), HAIR))

    def trousers(self, long: float, paint: Paint) -> None:
        """From the waist down the legs: to the knees (1) or the ankles (2)."""
        where = self.where
        level = np.where(where.leg >= 0, long - where.leg, -1.0)
        waist = where.waist + 0.05 * self.scale - where.height
        level = np.where(where.part["torso"], waist, level)
        self.wear(level, self.rng.uniform(0.006, 0.03), self.rng.uniform(0.001, 0.006), paint)

    def top(self, thick: float, sleeve: float, bottom: Paint) -> None:
        """A shirt, pullover or jacket, occasionally open; some in the cloth of `bottom`."""
        rng, where, scale = self.rng, self.where, self.scale
        torso, neck = where.part["torso"], where.part["neck"]
        hem = where.waist - float(rng.choice((0.0, 0.07, 0.2))) * scale
        level = np.where(torso | (where.leg >= 0), where.height - hem, -1.0)
        level = np.where(where.arm >= 0, 0.3 * (sleeve - where.arm), level)
        neckline = where.neck + scale * rng.uniform(-0.06, 0.05) - where.height
        level = np.where(torso, np.minimum(level, neckline), level)
        level = np.where(neck, neckline, level)
        folds = rng.uniform(0.001, 0.008)
        paint = bottom if rng.random() < 0.12 else pattern(rng, cloth_colour(rng))
        self.wear(level, thick, folds, paint)
        if thick < 0.015 or rng.random() >= 0.5:
            return
        front, aside = torso & (self.rest[:, 1] < 0), np.abs(self.rest[:, 0])
        front &= where.height > where.waist
        shirt = np.where(front, rng.uniform(0.02, 0.07) * scale - aside, -1.0)
        self.layers.append(Layer(np.minimum(shirt, level), pattern(rng, cloth_colour(rng)), CLOTH))
        if rng.random() < 0.4:
            tie = np.where(front, 0.02 * scale - aside, -1.0)
            tied = pattern(rng, cloth_colour(rng))
            self.layers.append(Layer(np.minimum(tie, level), tied, CLOTH))

    def skirt(self, paint: Paint) -> None:
        """The mesh's own skirt, cut off somewhere between the thighs and the ankles."""
        hip, low = self.where.hip, float(self.rest[:, 2].min())
        end = hip - self.rng.uniform(0.2, 0.8) * (hip - low)
        level = np.where(self.helper("helper-skirt"), self.rest[:, 2] - end, -1.0)
        self.wear(level, 0.014, 0.010, paint)

    def head(self, dye: Floats) -> None:
        """Short or long hair, a headscarf, a cap, or none."""
        rng, where, scale = self.rng, self.where, self.scale
        kinds = ("short", "long", "scarf", "cap", "bald")
        kind = rng.choice(kinds, p=(0.46, 0.3, 0.08, 0.08, 0.08))
        if kind == "bald":
            return
        paint = mottled(rng, dye, 0.2, 0.012 * scale, 0.15)
        level, thick, surface = where.scalp, scale * rng.uniform(0.006, 0.035), HAIR
        if kind in ("scarf", "cap"):
            thick, surface, paint = 0.015 * scale, CLOTH, pattern(rng, cloth_colour(rng))
        if kind == "scarf":
            level = np.where(where.part["head"] & ~where.face, 1.0, -1.0)
            level = np.where(where.part["neck"], 1.0, level)
        if kind == "cap":
            level = np.where(where.part["head"], where.above - rng.uniform(0.15, 0.3), -1.0)
        bumps = waves(rng, np.stack([where.wide, where.ahead, where.above], 1), 0.35)
        self.offset[level > 0] = (thick * (1 + 0.25 * bumps))[level > 0]
        self.layers.append(Layer(level, paint, surface))
        if kind == "long":
            # The mesh's hair hangs over the face too; it is left out there.
            free = np.maximum(where.ahead - 0.22, where.above - 0.36)
            if rng.random() < 0.5:
                free = np.maximum(free, where.wide - 0.36)
            level = np.minimum(free, where.above + rng.uniform(0.4, 2.2))
            level = np.where(self.helper("helper-hair"), level, -1.0)
            self.layers.append(Layer(level, paint, HAIR))


def dress(rng: Rng, body: Body, posed: Posed) -> Outfit:
    """Draw an outfit: top, trousers or skirt, shoes, hair, occasionally a headscarf or a cap."""
    dressing = _Dressing(rng, body, posed)
    # The scale's tones are flat patches; a camera sees living skin slightly redder.
    tone = np.asarray(SKINS[int(rng.integers(10))], float)[::-1] * (0.84, 0.91, 1.0)
    skin = mottled(rng, tone, 0.05, 0.06)
    dye = np.asarray(HAIRS[int(rng.integers(len(HAIRS)))], float)[::-1] * rng.uniform(0.8, 1.2)
    dressing.skin(skin, tone, dye)
    thick = float(rng.choice((0.008, 0.018, 0.032)))
    sleeve = float(rng.choice((-0.5, 0.15, 0.5, 1.3, 2.05), p=(0.06, 0.06, 0.28, 0.1, 0.5)))
    bottom = pattern(rng, cloth_colour(rng))
    skirt = rng.random() < 0.16
    long = 0.35 if skirt else float(rng.choice((0.5, 0.95, 2.05), p=(0.18, 0.17, 0.65)))
    dressing.trousers(long, bottom)
    dressing.top(thick, sleeve, bottom)
    if rng.random() < 0.9:
        dressing.wear(dressing.where.leg - 2.0, 0.008, 0.001, plain(cloth_colour(rng)))
    if skirt:
        dressing.skirt(bottom)
    dressing.head(dye)
    worn = np.zeros(len(posed.rest), bool)
    for layer in dressing.layers[1:]:
        worn |= layer.level > 0
    shown = (body.group == "body") | worn[body.faces].all(axis=1)
    return Outfit(dressing.layers, dressing.offset, shown)
