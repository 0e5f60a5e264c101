"""Linear blend skinning, backwards: where each vertex of a mesh over the result comes from.

The usual weights go with the undeformed picture; here they go by the bones where they are now, so
that a plain grid over the result can be asked where its pixels come from, and nothing folds over.
One rigid turn of all bones is that turn of everything, whatever the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32

F64 = NDArray[np.float64]

COLUMNS, ROWS = 49, 28
"""Vertices of the mesh: 48x27 cells."""

REST: F64 = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""The map that leaves all as it is."""

# So steep that what lies on one bone follows it alone, and that joints still bend over some way.
_POWER, _SOFT = 4, 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Bone:
    """A bone at rest: ``start`` and ``end``, float64 (2,), in pixels, and how thick it is, pixels.

    The thicker, the more of what lies between it and another follows it.
    """

    start: F64
    end: F64
    thick: float


def applied(turn: F64, points: F64) -> F64:
    """Points, (…, 2), taken by an affine map, (2, 3)."""
    return np.asarray(points @ turn[:, :2].T + turn[:, 2])


def inverse(turn: F64) -> F64:
    """The map back. One that flattens everything has none: it is taken for none at all."""
    linear = turn[:, :2]
    if not abs(float(np.linalg.det(linear))) > 1e-6:
        return REST
    back = np.linalg.inv(linear)
    return np.column_stack((back, -back @ turn[:, 2]))


def vertices(width: int, height: int) -> F64:
    """The mesh's vertices over a picture, (ROWS, COLUMNS, 2), from border pixel to border pixel."""
    columns, rows = np.linspace(0, width - 1, COLUMNS), np.linspace(0, height - 1, ROWS)
    return np.stack(np.meshgrid(columns, rows), axis=-1)


def origins(points: F64, bones: Sequence[Bone], turns: Sequence[F64]) -> F32:
    """Where points of the result come from, in the picture at rest.

    Args:
        points: (rows, columns, 2), pixels.
        bones: at rest, at least one. turns: what takes each of them where it is now, (2, 3).

    Returns float32 (rows, columns, 2). Unmoved bones leave each point where it is.
    """
    if all(turn is REST for turn in turns):
        return points.astype(np.float32)
    weights = np.stack(
        [
            (_distance(points, applied(turn, b.start), applied(turn, b.end)) / b.thick + _SOFT)
            ** -_POWER
            for b, turn in zip(bones, turns, strict=True)
        ]
    )
    weights /= weights.sum(0)
    back = np.stack([applied(inverse(turn), points) for turn in turns])
    return np.asarray(np.einsum("brc,brcp->rcp", weights, back), np.float32)


def _distance(points: F64, start: F64, end: F64) -> F64:
    """From each point to the nearest of the line from ``start`` to ``end``."""
    along = end - start
    length = float(along @ along)
    if length < 1e-12:
        return np.asarray(np.linalg.norm(points - start, axis=-1))
    share = np.clip(((points - start) @ along) / length, 0, 1)
    return np.asarray(np.linalg.norm(points - start - share[..., None] * along, axis=-1))
