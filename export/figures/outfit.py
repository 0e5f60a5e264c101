"""What a body wears, in layers: where, how far off the skin, and in which colours."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Body, Floats, Posed
from export.figures.garments import Garment
from export.figures.headgear import HATS, Skull, bun, glasses, hat, headphones, headset_arm, skull_of
from export.figures.held import THINGS, thing
from export.figures.pieces import CLOTH, HAIR, SMOOTH, Piece
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
from export.figures.wardrobe import Wardrobe, hair_piece, shoes, two_part, worn_garment
from export.synthesis.backgrounds import Rng


@dataclass(frozen=True)
class Layer:
    """One thing worn, or the skin: it covers where `level` is above zero."""

    level: Floats  # (n,) by vertex, roughly metres or shares of a limb: only the sign matters
    paint: Paint  # resting positions (p, 3) to BGR 0..255 (p, 3)
    surface: int  # SMOOTH, CLOTH or HAIR


@dataclass(frozen=True)
class Fringe:
    """Single hairs across the outline of hair: how many, how long (1 is usual), how curly."""

    count: int = 150
    length: float = 1.0
    curl: float = 0.6


@dataclass(frozen=True)
class Outfit:
    """All that the renderer needs to know about what a body wears."""

    layers: list[Layer]  # later ones cover earlier ones
    offset: Floats  # (n,), metres along the normal
    shown: NDArray[np.bool_]  # (f,)
    pieces: list[Piece] = field(default_factory=list)  # with meshes of their own
    fringe: Fringe = Fringe()


class _Dressing:
    """A body being dressed: each method draws one thing and lays it over the others."""

    def __init__(self, rng: Rng, body: Body, posed: Posed, wardrobe: Wardrobe) -> None:
        self.rng, self.body, self.posed, self.rest = rng, body, posed, posed.rest
        self.wardrobe, self.pieces, self.fringe = wardrobe, list[Piece](), Fringe()
        self.hidden = np.zeros(len(posed.rest), bool)
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

    def top(self, thick: float, sleeve: float, bottom: Paint) -> Paint:
        """A shirt, pullover or jacket, occasionally open; some in the cloth of `bottom`.

        Returns its paint.
        """
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
            return paint
        front, aside = torso & (self.rest[:, 1] < 0), np.abs(self.rest[:, 0])
        front &= where.height > where.waist
        shirt = np.where(front, rng.uniform(0.02, 0.07) * scale - aside, -1.0)
        self.layers.append(Layer(np.minimum(shirt, level), pattern(rng, cloth_colour(rng)), CLOTH))
        if rng.random() < 0.4:
            tie = np.where(front, 0.02 * scale - aside, -1.0)
            tied = pattern(rng, cloth_colour(rng))
            self.layers.append(Layer(np.minimum(tie, level), tied, CLOTH))
        return paint

    def skirt(self, paint: Paint) -> None:
        """The mesh's own skirt, cut off somewhere between the thighs and the ankles."""
        hip, low = self.where.hip, float(self.rest[:, 2].min())
        end = hip - self.rng.uniform(0.2, 0.8) * (hip - low)
        level = np.where(self.helper("helper-skirt"), self.rest[:, 2] - end, -1.0)
        self.wear(level, 0.014, 0.010, paint)

    def put_on(self, garment: Garment, piece: Piece) -> None:
        """A mesh of its own; the skin under it goes."""
        self.pieces.append(piece)
        self.hidden[garment.hides] = True

    def suit(self, woman: bool) -> None:
        """One of the wardrobe's whole outfits."""
        rng, posed = self.rng, self.posed
        choice = self.wardrobe.women if woman else self.wardrobe.men
        garment = choice[int(rng.integers(len(choice)))]
        paint = two_part(rng, posed, self.where.waist)
        self.put_on(garment, worn_garment(rng, self.body, posed, garment, paint))

    def shod(self) -> None:
        """Shoes: the wardrobe's, or drawn on the foot."""
        if self.wardrobe.shoes and self.rng.random() < 0.6:
            piece, garment = shoes(self.rng, self.body, self.posed, self.wardrobe)
            self.put_on(garment, piece)
        else:
            self.wear(self.where.leg - 2.0, 0.008, 0.001, plain(cloth_colour(self.rng)))

    def head(self, dye: Floats, top: Paint) -> None:
        """Hair of any length, a headscarf, a hood, a hat or a helmet; or none of it."""
        rng, skull = self.rng, skull_of(self.posed, self.where)
        kinds = ("short", "long", "scarf", "hood", "big", "made", "hat", "bald")
        kind = str(rng.choice(kinds, p=(0.17, 0.14, 0.06, 0.06, 0.09, 0.24, 0.19, 0.05)))
        if kind == "made" and not self.wardrobe.hair:
            kind = "short"
        paint = mottled(rng, dye, 0.2, 0.012 * self.scale, 0.15)
        if kind in ("scarf", "hood"):
            self._covered(kind, top)
        elif kind == "made":
            garment = self.wardrobe.hair[int(rng.integers(len(self.wardrobe.hair)))]
            self._scalp(paint, 0.004)
            self.put_on(garment, hair_piece(self.body, self.posed, garment, paint))
            if garment.name.startswith("afro"):
                self.fringe = Fringe(int(rng.integers(1500, 5000)), 0.8, 2.5)
        elif kind == "hat":
            self._hat(skull, paint)
        elif kind != "bald":
            self._own_hair(kind, paint, skull)
        self._devices(skull, kind)

    def _scalp(self, paint: Paint, thick: float, bumpy: float = 0.25) -> None:
        where, level = self.where, self.where.scalp
        bumps = waves(self.rng, np.stack([where.wide, where.ahead, where.above], 1), 0.35)
        self.offset[level > 0] = (thick * self.scale * (1 + bumpy * bumps))[level > 0]
        self.layers.append(Layer(level, paint, HAIR))

    def _own_hair(self, kind: str, paint: Paint, skull: Skull) -> None:
        rng, where = self.rng, self.where
        if kind == "big":  # thinner towards the hairline, or it would stand off like a hat
            thick = rng.uniform(0.04, 0.11)
            self._scalp(paint, thick, 0.08)
            rise = np.clip(where.scalp / 0.35, 0.12, 1) ** 0.5
            self.offset[where.scalp > 0] *= rise[where.scalp > 0]
            curl = float(rng.choice((0.6, 2.0, 3.0)))
            self.fringe = Fringe(int(rng.integers(1200, 5000)), rng.uniform(0.4, 1.1), curl)
            return
        self._scalp(paint, rng.uniform(0.006, 0.03))
        if kind == "long":
            # The mesh's hair hangs over the face too; it is left out there.
            free = np.maximum(where.ahead - 0.22, where.above - 0.36)
            if rng.random() < 0.5:
                free = np.maximum(free, where.wide - 0.36)
            level = np.minimum(free, where.above + rng.uniform(0.4, 2.2))
            level = np.where(self.helper("helper-hair"), level, -1.0)
            self.layers.append(Layer(level, paint, HAIR))
            self.fringe = Fringe(int(rng.integers(100, 900)))
        elif rng.random() < 0.25:
            self.pieces += bun(rng, self.posed, skull, paint)

    def _covered(self, kind: str, top: Paint) -> None:
        """A headscarf, or the hood of what is worn above."""
        rng, where = self.rng, self.where
        paint = top if kind == "hood" else pattern(rng, cloth_colour(rng))
        thick = self.scale * (rng.uniform(0.02, 0.045) if kind == "hood" else 0.015)
        level = np.where(where.part["head"] & ~where.face, 1.0, -1.0)
        level = np.where(where.part["neck"], 1.0, level)
        bumps = waves(rng, np.stack([where.wide, where.ahead, where.above], 1), 0.5)
        self.offset[level > 0] = (thick * (1 + 0.2 * bumps))[level > 0]
        self.layers.append(Layer(level, paint, CLOTH))

    def _hat(self, skull: Skull, paint: Paint) -> None:
        """A hat on short hair, some of it hanging out below."""
        rng, hats = self.rng, self.wardrobe.hats
        self._scalp(paint, 0.004)
        if rng.random() < 0.4:
            level = np.minimum(self.where.ahead - 0.3, self.where.above + rng.uniform(0.4, 1.8))
            level = np.minimum(level, 0.1 - self.where.above)
            level = np.where(self.helper("helper-hair"), level, -1.0)
            self.layers.append(Layer(level, paint, HAIR))
        if hats and rng.random() < 0.25:
            garment, cloth = hats[int(rng.integers(len(hats)))], pattern(rng, cloth_colour(rng))
            self.put_on(garment, worn_garment(rng, self.body, self.posed, garment, cloth))
        else:
            self.pieces += hat(rng, self.posed, skull, str(rng.choice(HATS)))

    def _devices(self, skull: Skull, kind: str) -> None:
        rng = self.rng
        if kind not in ("hat", "big") and rng.random() < 0.1:
            self.pieces += headphones(rng, self.posed, skull)
            if rng.random() < 0.4:
                self.pieces += headset_arm(self.posed, skull)
        if rng.random() < 0.22:
            self.pieces += glasses(rng, self.posed, skull)


def dress(
    rng: Rng, body: Body, posed: Posed, wardrobe: Wardrobe, held: str = "", woman: bool = True
) -> Outfit:
    """Draw what is worn, and what is held in the hands of the sides `held` ("L", "R")."""
    dressing = _Dressing(rng, body, posed, wardrobe)
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
    dressing.head(dye, top)
    for side in held:
        dressing.pieces += thing(rng, posed, side, str(rng.choice(THINGS)))
    worn = np.zeros(len(posed.rest), bool)
    for layer in dressing.layers[1:]:
        worn |= layer.level > 0
    shown = (body.group == "body") | worn[body.faces].all(axis=1)
    shown &= ~dressing.hidden[body.faces].all(axis=1)
    return Outfit(dressing.layers, dressing.offset, shown, dressing.pieces, dressing.fringe)


def _drawn(rng: Rng, dressing: _Dressing) -> Paint:
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
