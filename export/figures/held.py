"""Things in a hand: they are of the person's matte for as long as they are held."""

from __future__ import annotations

import numpy as np

from export.figures.body import Floats, Posed
from export.figures.pieces import CLOTH, SMOOTH, FigurePiece, attached
from export.figures.solids import Mesh, ball, box, joined, moved, turned
from export.figures.surfaces import Paint, cloth_colour, pattern, plain
from export.synthesis.backgrounds import Rng

THINGS = ("phone", "cup", "book", "microphone", "bottle", "tablet")


def _grip(posed: Posed, side: str) -> tuple[Floats, Floats]:
    """Where a resting hand's grip is (3,), and its axes (3, 3).

    Columns: across the palm to the thumb's side, along the fingers, out of the palm.
    """
    joints = posed.joints
    wrist, index, little = (
        joints[f"{bone}.{side}"] for bone in ("wrist", "finger2-1", "finger5-1")
    )
    along = joints[f"finger3-1.{side}"] - wrist
    long = float(np.linalg.norm(along))
    along = along / long
    across = index - little
    across = across - (across @ along) * along
    across /= np.linalg.norm(across)
    palm = np.cross(along, across) * (1 if side == "L" else -1)
    return wrist + 0.95 * long * along, np.stack([across, along, palm], axis=1)


def thing(rng: Rng, posed: Posed, side: str, kind: str) -> list[FigurePiece]:
    """One of THINGS in a hand."""
    at, axes = _grip(posed, side)
    colour = cloth_colour(rng)
    paint: Paint = plain(colour)
    surface = SMOOTH
    # Made with z out of the hollow hand towards the thumb's side, y along the fingers.
    stand = axes[:, [2, 1, 0]] * (1, 1, 1)
    off = 0.022
    mesh: Mesh
    if kind == "phone":
        mesh = moved(box(0.0045, 0.037, 0.075), np.array([off, 0.0, 0.03]))
        paint = plain((30, 28, 28)) if rng.random() < 0.6 else paint
    elif kind == "tablet":
        mesh = moved(box(0.004, 0.09, 0.125), np.array([off, 0.05, 0.02]))
        paint = plain((40, 40, 42)) if rng.random() < 0.5 else paint
    elif kind == "book":
        mesh = moved(box(rng.uniform(0.006, 0.02), 0.075, 0.11), np.array([off, 0.04, 0.02]))
        surface, paint = CLOTH, pattern(rng, colour)
    elif kind == "cup":
        size, tall = rng.uniform(0.03, 0.042), rng.uniform(0.04, 0.06)
        profile = [(0.01, -tall), (0.85 * size, -tall), (size, tall), (0.9 * size, tall),
                   (0.8 * size, -0.8 * tall)]  # fmt: skip
        mesh = moved(turned(profile, sides=24), np.array([0.012 + size, 0.0, 0.01]))
    elif kind == "bottle":
        size = rng.uniform(0.028, 0.038)
        profile = [(0.01, -0.09), (size, -0.09), (size, 0.06), (0.4 * size, 0.1),
                   (0.4 * size, 0.13), (0.01, 0.13)]  # fmt: skip
        mesh = moved(turned(profile, sides=24), np.array([0.012 + size, 0.0, 0.0]))
    else:
        handle = turned([(0.005, -0.09), (0.011, -0.09), (0.014, 0.08), (0.014, 0.1)], sides=16)
        mesh = joined(handle, moved(ball(0.026, 0.026, 0.03), np.array([0.0, 0.0, 0.115])))
        mesh = moved(mesh, np.array([off, 0.0, 0.0]))
        paint = plain((35, 35, 37)) if rng.random() < 0.7 else paint
    size_of_hand = float(np.linalg.norm(at - posed.joints[f"wrist.{side}"])) / 0.1
    points, faces = mesh
    points, faces = moved((points * max(0.75, size_of_hand**0.5), faces), at, stand)
    return [FigurePiece(points, attached(posed, f"wrist.{side}", points), faces, paint, surface)]
