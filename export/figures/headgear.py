"""Things worn on the head: hats, helmets, headphones, glasses; and hair put up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.figures.body import Floats, Posed
from export.figures.pieces import CLOTH, HAIR, SMOOTH, FigurePiece, attached
from export.figures.regions import Regions
from export.figures.solids import Mesh, ball, box, joined, moved, tube, turned
from export.figures.surfaces import Paint, cloth_colour, pattern, plain
from export.synthesis.backgrounds import Rng

HATS = ("brimmed", "beanie", "visor", "helmet")


@dataclass(frozen=True)
class Skull:
    """The resting head without its ears: middle (3,), half axes and top, metres."""

    middle: Floats  # at the height of the eyes
    wide: float
    deep: float
    top: float  # above the middle
    eyes: Floats  # (3,): between the eyes


def skull_of(posed: Posed, where: Regions) -> Skull:
    """Measure a resting head."""
    eye = posed.joints["eye.L"]
    over = where.part["head"] & (where.above > 0.1) & (where.scalp > 0)
    points = posed.rest[over if over.any() else where.part["head"]]
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.array([0.0, (low[1] + high[1]) / 2, eye[2]])
    return Skull(middle, (high[0] - low[0]) / 2, (high[1] - low[1]) / 2, high[2] - eye[2],
                 np.array([0.0, eye[1], eye[2]]))  # fmt: skip


def _piece(posed: Posed, mesh: Mesh, paint: Paint, surface: int) -> FigurePiece:
    points, faces = mesh
    return FigurePiece(points, attached(posed, "head", points), faces, paint, surface)


def _dome(skull: Skull, loose: float, low: float) -> list[tuple[float, float]]:
    """Radii (1 is the head's own) and heights of a dome down to `low` tops above the eyes."""
    top = skull.top * loose + 0.004
    angles = np.linspace(0.0, 1.0, 8)
    heights = low * skull.top + (top - low * skull.top) * np.cos(angles * np.pi / 2)
    radii = loose * np.sqrt(np.clip(1 - (0.97 * np.maximum(0, heights / top)) ** 2.6, 0, 1))
    return [(max(0.01, float(r)), float(z)) for r, z in zip(radii, heights, strict=True)]


def hat(rng: Rng, posed: Posed, skull: Skull, kind: str) -> list[FigurePiece]:
    """One of HATS."""
    paint = pattern(rng, cloth_colour(rng))
    low = rng.uniform(0.3, 0.48)
    surface = CLOTH
    if kind == "brimmed":
        rise, brim, droop = rng.uniform(0.9, 1.35), rng.uniform(1.45, 2.1), rng.uniform(-0.3, 0.2)
        base, top = low * skull.top, rise * skull.top + 0.012
        profile = [(0.02, top), (0.8, top), (0.98, top - 0.12 * skull.top), (1.1, base),
                   (brim, base + droop * skull.top), (brim, base + droop * skull.top - 0.005),
                   (1.09, base - 0.005)]  # fmt: skip
        mesh = turned(profile, skull.wide, skull.deep)
    else:
        loose = rng.uniform(1.16, 1.36) if kind == "helmet" else rng.uniform(1.09, 1.18)
        low = rng.uniform(-0.05, 0.3) if kind == "helmet" else low
        profile = _dome(skull, loose, low)
        if kind == "helmet":
            surface, paint = SMOOTH, plain(cloth_colour(rng))
            profile.append((0.97 * profile[-1][0], profile[-1][1] - 0.01))
        elif kind == "beanie":  # turned up at its edge
            edge = profile[-1]
            profile += [(edge[0] * 1.06, edge[1] - 0.003), (edge[0] * 1.06, edge[1] + 0.03)]
        mesh = turned(profile, skull.wide, skull.deep)
        if kind == "beanie" and rng.random() < 0.3:
            size = rng.uniform(0.02, 0.04)
            mesh = joined(mesh, moved(ball(size, size, size), np.array([0, 0, profile[0][1]])))
        if kind == "visor":
            mesh = joined(mesh, _visor(skull, profile[-1], rng.uniform(0.05, 0.085)))
    points, faces = moved(mesh, skull.middle)
    if kind in ("brimmed", "visor"):  # pushed back or pulled into the face
        tilt = np.deg2rad(rng.normal(3, 5))
        cos, sin = np.cos(tilt), np.sin(tilt)
        turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
        points = (points - skull.middle) @ turn.T + skull.middle
    return [_piece(posed, (points, faces), paint, surface)]


def _visor(skull: Skull, edge: tuple[float, float], long: float) -> Mesh:
    """A cap's peak: half a ring before the dome's edge, thin."""
    around = np.linspace(-0.42 * np.pi, 0.42 * np.pi, 15)
    radius, height = edge
    rows = []
    for t in (0.0, 0.34, 0.67, 1.0):
        out = long * t * np.cos(around) ** 0.5
        x = radius * skull.wide * np.sin(around)
        y = -(radius * skull.deep * np.cos(around) + out)
        rows.append(np.stack([x, y, height - 0.25 * out], axis=1))
    points = np.concatenate(rows)
    faces = [
        face
        for i in range(3)
        for j in range(14)
        for a in (i * 15 + j,)
        for face in ((a, a + 1, a + 16), (a, a + 16, a + 15))
    ]
    return points, np.array(faces, np.int64)


def headphones(rng: Rng, posed: Posed, skull: Skull) -> list[FigurePiece]:
    """A band over the head and a cup on each ear."""
    wide, tall = 1.2 * skull.wide + 0.008, 1.12 * skull.top + 0.008
    low = -0.25 * skull.top
    angle = np.linspace(0, np.pi, 25)
    arc = np.stack([wide * np.cos(angle), np.zeros(25), low + (tall - low) * np.sin(angle)], axis=1)
    size = rng.uniform(0.026, 0.044)
    cup = turned([(0.01, 0.014), (size * 0.8, 0.014), (size, 0.004), (size, -0.012),
                  (0.8 * size, -0.016), (0.01, -0.016)], sides=20)  # fmt: skip
    side = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], float)  # its axis along x
    cups = [moved(cup, np.array([sign * (wide - 0.002), 0.0, low]), side * (1, 1, sign))
            for sign in (1, -1)]  # fmt: skip
    mesh = moved(joined(tube(arc, rng.uniform(0.005, 0.011)), *cups), skull.middle)
    return [_piece(posed, mesh, plain(cloth_colour(rng)), SMOOTH)]


def glasses(rng: Rng, posed: Posed, skull: Skull) -> list[FigurePiece]:
    """Frames before the eyes, their temples to the ears; some dark."""
    apart = abs(float(posed.joints["eye.L"][0]))
    wide, tall = apart * rng.uniform(0.62, 0.85), apart * rng.uniform(0.45, 0.75)
    y, thin = skull.eyes[1] - 0.55 * apart, rng.uniform(0.0015, 0.004)
    angle = np.linspace(0, 2 * np.pi, 25)
    parts: list[Mesh] = []
    lenses: list[Mesh] = []
    flat = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]], float)  # a turned z along y
    for sign in (1, -1):
        at = np.array([sign * 1.02 * apart, y, skull.eyes[2] - 0.1 * apart])
        ring = np.stack([wide * np.cos(angle), np.zeros(25), tall * np.sin(angle)], axis=1)
        parts.append(tube(at + ring, thin))
        lens = turned([(0.02, 0.0), (1.0, 0.0)], wide, tall, sides=20)
        lenses.append(moved(lens, at, flat))
        ear = np.array([sign * 1.04 * skull.wide, skull.middle[1], skull.eyes[2]])
        hinge = at + np.array([sign * wide, 0, 0.3 * tall])
        parts.append(tube(np.linspace(hinge, ear, 12), thin))
    middle, half = np.array([0.0, y, skull.eyes[2]]), np.array([0.3 * apart, 0.0, 0.0])
    parts.append(tube(np.linspace(middle - half, middle + half, 6), thin))
    frame = _piece(posed, joined(*parts), plain(cloth_colour(rng)), SMOOTH)
    if rng.random() < 0.6:
        return [frame]
    return [frame, _piece(posed, joined(*lenses), plain((30, 28, 26)), SMOOTH)]


def bun(rng: Rng, posed: Posed, skull: Skull, paint: Paint) -> list[FigurePiece]:
    """Hair put up: one ball behind or on top, or one on each side."""
    size = rng.uniform(0.35, 0.65) * skull.wide
    angle = np.deg2rad(rng.uniform(25, 100))  # 90 is straight up
    sides = (0.0,) if rng.random() < 0.75 else (0.75, -0.75)
    parts = [
        moved(ball(size, size, 0.85 * size), skull.middle + np.array([
            s * skull.wide, (skull.deep + 0.3 * size) * np.cos(angle),
            (skull.top + 0.3 * size) * np.sin(angle)]))
        for s in sides
    ]  # fmt: skip
    return [_piece(posed, joined(*parts), paint, HAIR)]


def headset_arm(posed: Posed, skull: Skull) -> list[FigurePiece]:
    """A headset's microphone before the mouth."""
    start = skull.middle + np.array([1.2 * skull.wide, 0.0, -0.3 * skull.top])
    end = skull.eyes + np.array([0.35 * skull.wide, -0.02, -0.75 * skull.top])
    tip = moved(box(0.006, 0.006, 0.006, 2), end)
    mesh = joined(tube(np.linspace(start, end, 10), 0.003), tip)
    return [_piece(posed, mesh, plain((25, 25, 25)), SMOOTH)]
