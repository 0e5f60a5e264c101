"""A body being dressed in clothes that are drawn on it, or fitted to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Body, Floats, Posed
from export.figures.garments import Garment
from export.figures.layers import Fringe, Layer
from export.figures.pieces import CLOTH, HAIR, SMOOTH, FigurePiece
from export.figures.regions import regions
from export.figures.surfaces import Paint, cloth_colour, mottled, pattern, plain, waves
from export.figures.wardrobe import Wardrobe, shoes, two_part, worn_garment
from export.synthesis.backgrounds import Rng


class Dressing:
    """A body being dressed: each method draws one thing and lays it over the others."""

    def __init__(self, rng: Rng, body: Body, posed: Posed, wardrobe: Wardrobe) -> None:
        self.rng, self.body, self.posed, self.rest = rng, body, posed, posed.rest
        self.wardrobe, self.pieces, self.fringe = wardrobe, list[FigurePiece](), Fringe()
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
        # What is worn below lies flat, or it would come through.
        below = (self.where.leg >= 0) | (self.where.part["torso"] & (self.rest[:, 2] < hip))
        below &= self.rest[:, 2] > end
        self.offset[below] = np.minimum(self.offset[below], 0.002)
        self.wear(level, 0.014, 0.010, paint)

    def put_on(self, garment: Garment, piece: FigurePiece) -> None:
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
