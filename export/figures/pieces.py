"""Meshes beside the body's own: clothes, hair and things, each at rest and where it is posed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.figures.body import Floats, Ints, Posed
from export.figures.surfaces import Paint

SMOOTH, CLOTH, HAIR = 0, 1, 2  # how a surface reflects light


@dataclass(frozen=True)
class FigurePiece:
    """One mesh worn or held, in the colours of `paint`."""

    rest: Floats  # (n, 3), metres, beside the resting body
    points: Floats  # (n, 3), beside the posed body
    faces: Ints  # (f, 3)
    paint: Paint  # resting positions (p, 3) to BGR 0..255 (p, 3)
    surface: int  # SMOOTH, CLOTH or HAIR


def attached(posed: Posed, bone: str, points: Floats) -> Floats:
    """Points (n, 3) beside the resting body, moved stiffly with a bone."""
    move = posed.moves.get(bone, np.eye(4))
    return np.asarray(points @ move[:3, :3].T + move[:3, 3])
