"""MakeHuman's clothes and hair (CC0) in shared/media/makehuman, sorted and coloured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from export.figures.body import Body, Floats, Posed
from export.figures.garments import Garment, read_garment
from export.figures.pieces import CLOTH, HAIR, FigurePiece
from export.figures.raster import vertex_normals
from export.figures.surfaces import Paint, cloth_colour, pattern, plain, waves
from export.synthesis.backgrounds import Rng


@dataclass(frozen=True)
class Wardrobe:
    """Garments by what they are; any may be empty."""

    women: list[Garment] = field(default_factory=list)
    men: list[Garment] = field(default_factory=list)
    shoes: list[Garment] = field(default_factory=list)
    hats: list[Garment] = field(default_factory=list)
    hair: list[Garment] = field(default_factory=list)


def read_wardrobe(folder: Path) -> Wardrobe:
    """Read the folders `clothes` and `hair`.

    Raises FileNotFoundError when one is absent, ValueError when a garment does not fit its mesh.
    """
    for part in ("clothes", "hair"):
        if not (folder / part).is_dir():
            raise FileNotFoundError(
                f"{folder / part}: no such folder; expected MakeHuman's garments, each in a "
                "folder of its own (.mhclo and .obj), as docs/data.md says"
            )
    clothes = [read_garment(path) for path in sorted(folder.glob("clothes/*/*.mhclo"))]

    def named(start: str) -> list[Garment]:
        return [garment for garment in clothes if garment.name.startswith(start)]

    hair = [read_garment(path) for path in sorted(folder.glob("hair/*/*.mhclo"))]
    return Wardrobe(named("female"), named("male"), named("shoes"), named("fedora"), hair)


def two_part(rng: Rng, posed: Posed, waist: float) -> Paint:
    """A suit's colours: a top above the waist, trousers or a skirt below, some of one cloth."""
    top, bottom = pattern(rng, cloth_colour(rng)), pattern(rng, cloth_colour(rng))
    if rng.random() < 0.2:
        return top
    hem = waist + rng.uniform(-0.08, 0.05)
    arm = 0.85 * abs(float(posed.joints["lowerarm01.L"][0]))
    hand = float(posed.joints["wrist.L"][2]) - 0.1

    def paint(where: Floats) -> Floats:
        above = (where[:, 2] > hem) | ((np.abs(where[:, 0]) > arm) & (where[:, 2] > hand))
        return np.where(above[:, None], top(where), bottom(where))

    return paint


def worn_garment(
    rng: Rng, body: Body, posed: Posed, garment: Garment, paint: Paint, surface: int = CLOTH
) -> FigurePiece:
    """A garment on the posed body; cloth falls in folds."""
    rest = garment.fitted(posed.rest)
    points = garment.posed(body, posed, rest)
    if surface == CLOTH:
        folds = rng.uniform(0.001, 0.005)
        deep = folds * np.maximum(-0.5, waves(rng, rest * (1, 1, 0.5), rng.uniform(0.07, 0.2)))
        points = points + deep[:, None] * vertex_normals(points, garment.faces)
    return FigurePiece(rest, points, garment.faces, paint, surface)


def shoes(rng: Rng, body: Body, posed: Posed, wardrobe: Wardrobe) -> tuple[FigurePiece, Garment]:
    """One pair of the wardrobe's, of one colour."""
    garment = wardrobe.shoes[int(rng.integers(len(wardrobe.shoes)))]
    return worn_garment(rng, body, posed, garment, plain(cloth_colour(rng))), garment


def hair_piece(body: Body, posed: Posed, garment: Garment, paint: Paint) -> FigurePiece:
    """One of the wardrobe's heads of hair."""
    rest = garment.fitted(posed.rest)
    return FigurePiece(rest, garment.posed(body, posed, rest), garment.faces, paint, HAIR)
