"""What a renderer needs to know of what a body wears."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Floats
from export.figures.pieces import FigurePiece
from export.figures.surfaces import Paint


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
    pieces: list[FigurePiece] = field(default_factory=list)  # with meshes of their own
    fringe: Fringe = Fringe()
