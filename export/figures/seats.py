"""What somebody sits on: a chair, an office chair or a wheelchair. It is never of the matte."""

from __future__ import annotations

import numpy as np

from export.figures.body import PARTS, Body, Posed
from export.figures.pieces import CLOTH, SMOOTH, FigurePiece
from export.figures.solids import Mesh, box, joined, moved, tube, turned
from export.figures.surfaces import cloth_colour, pattern, plain
from export.synthesis.backgrounds import Rng

SEATS = ("chair", "office", "wheelchair")


def _rod(start: tuple[float, float, float], end: tuple[float, float, float], thick: float) -> Mesh:
    return tube(np.linspace(np.array(start), np.array(end), 8), thick)


def _wheel(at: tuple[float, float, float], radius: float, thick: float) -> list[Mesh]:
    """A wheel in the y-z plane with its spokes."""
    angle = np.linspace(0, 2 * np.pi, 33)
    rim = np.stack([0 * angle, radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    parts = [tube(rim + at, thick)]
    for turn in np.linspace(0, np.pi, 5)[:-1]:
        way = radius * np.array([0.0, np.cos(turn), np.sin(turn)])
        parts.append(tube(np.linspace(np.array(at) - way, np.array(at) + way, 6), 0.003))
    return parts


def seat(rng: Rng, body: Body, posed: Posed, kind: str) -> list[FigurePiece]:
    """One of SEATS below somebody seated, beside the posed body."""
    skin = np.zeros(len(body.part), bool)  # the mesh's helpers hang lower than the feet
    skin[body.faces[body.group == "body"]] = True
    sitting = skin & np.isin(body.part, [PARTS.index("torso"), PARTS.index("thigh")])
    points = posed.vertices[sitting]
    hip = posed.vertices[sitting & (body.part == PARTS.index("torso"))]
    low = hip[hip[:, 2] <= np.quantile(hip[:, 2], 0.25)]
    wide = max(0.2, float(np.abs(low[:, 0] - low[:, 0].mean()).max()) + rng.uniform(0.02, 0.07))
    rear = float(low[:, 1].max())
    knee = float(points[:, 1].min())
    top = float(np.quantile(low[:, 2], 0.02)) - 0.005
    floor = min(float(posed.vertices[skin, 2].min()), top - 0.25)
    deep = 0.5 * max(0.3, rear - knee - 0.1)
    middle = rear - deep + 0.03
    thick = rng.uniform(0.015, 0.045)
    cushions = [moved(box(wide, deep, thick), np.array([0, middle, top - thick]))]
    tall = rng.uniform(0.22, 0.42)
    behind = float(np.quantile(hip[:, 1], 0.98)) + 0.04
    back = box(wide * rng.uniform(0.85, 1), 0.02, 0.5 * tall)
    cushions.append(moved(back, np.array([0, behind, top + tall * rng.uniform(0.55, 0.8)])))
    rods = [_rod((s * 0.7 * wide, behind, top), (s * 0.7 * wide, behind, top + tall), 0.012)
            for s in (1, -1)]  # fmt: skip
    arms = kind == "wheelchair" or rng.random() < 0.4
    if arms:
        high = top + rng.uniform(0.16, 0.24)
        for s in (1.0, -1.0):
            x = s * (wide + 0.03)
            rest = box(0.022, 0.75 * deep, 0.012)
            cushions.append(moved(rest, np.array([x, middle, high])))
            for y in (middle - 0.6 * deep, middle + 0.6 * deep):
                rods.append(_rod((x, y, top - thick), (x, y, high), 0.01))
    if kind == "office":
        rods.append(_rod((0, middle, top), (0, middle, floor + 0.06), 0.025))
        for turn in np.arange(5) * 2 * np.pi / 5 + rng.uniform(0, 1):
            end = (0.26 * float(np.cos(turn)), middle + 0.26 * float(np.sin(turn)), floor + 0.04)
            rods.append(_rod((0, middle, floor + 0.08), end, 0.016))
            rods.append(moved(turned([(0.005, 0.025), (0.025, 0.02), (0.025, -0.02)], sides=12),
                              np.array(end)))  # fmt: skip
    elif kind == "wheelchair":
        for s in (1.0, -1.0):
            rods += _wheel((s * (wide + 0.05), behind - 0.08, floor + 0.29), 0.29, 0.013)
            rods += _wheel((s * wide, middle - deep, floor + 0.08), 0.08, 0.012)
            rods.append(_rod((s * 0.8 * wide, behind, top + tall),
                             (s * 0.8 * wide, behind + 0.12, top + tall), 0.014))  # fmt: skip
    else:
        spread = rng.uniform(0.85, 1.0)
        for s in (1, -1):
            for t in (1, -1):
                y = middle + t * 0.88 * deep
                rods.append(_rod((s * 0.88 * wide, y, top - thick),
                                 (s * spread * wide, y + t * 0.02, floor), 0.016))  # fmt: skip
    # Sideways it stands where the hips are.
    at = np.array([float(low[:, 0].mean()), 0.0, 0.0])
    pieces = []
    for parts, cloth in ((cushions, True), (rods, False)):
        mesh, faces = moved(joined(*parts), at)
        paint = pattern(rng, cloth_colour(rng)) if cloth else plain(cloth_colour(rng))
        pieces.append(FigurePiece(mesh, mesh, faces, paint, CLOTH if cloth else SMOOTH))
    return pieces
