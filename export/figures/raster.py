"""Rasterises a mesh into face numbers: a depth buffer behind a pinhole camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Floats, Ints


@dataclass(frozen=True)
class View:
    """A camera looking at `target`: yaw, pitch above the horizon (degrees), distance (metres)."""

    yaw: float
    pitch: float
    distance: float
    target: Floats

    @property
    def axes(self) -> Floats:
        """Right, down and away as columns (3, 3)."""
        yaw, pitch = np.deg2rad(self.yaw), np.deg2rad(self.pitch)
        away = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)])
        right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
        return np.stack([right, np.cross(away, right), away], axis=1)

    def __call__(self, points: Floats) -> Floats:
        """Points (n, 3) to x right, y down, z away from the camera, metres."""
        seen: Floats = (points - self.target) @ self.axes
        seen[:, 2] += self.distance
        return seen


def vertex_normals(points: Floats, faces: Ints) -> Floats:
    """Unit vertex normals (n, 3): area-weighted mean over the adjacent faces."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    area = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for corner in range(3):
        np.add.at(total, faces[:, corner], area)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def barycentric(corners: Floats, points: Floats) -> Floats:
    """Weights (p, 3) of three corners (p, 3, 2) at points (p, 2), clamped to 0..1.

    Affine, not perspective: over a face of a few pixels there is no difference.
    """
    a, b, c = (corners[:, i] for i in range(3))
    ab, ac, ap = b - a, c - a, points - a
    whole = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    whole = np.where(np.abs(whole) < 1e-9, 1e-9, whole)
    v = (ap[:, 0] * ac[:, 1] - ap[:, 1] * ac[:, 0]) / whole
    w = (ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0]) / whole
    weights = np.clip(np.stack([1 - v - w, v, w], axis=1), 0, 1)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


_CHUNK = 1 << 20  # candidate pixels tested at once


def paint(pixels: Floats, depth: Floats, faces: Ints, width: int, height: int) -> NDArray[np.int32]:
    """One-based face numbers, 0 where nobody is, int32 (height, width).

    `pixels` (n, 2) and `depth` (n,) are the corners'. A face covers the pixels whose centre lies in
    it; of several the nearest is seen, by a depth buffer. Faces behind the camera are left out.
    """
    corners, far = pixels[faces].astype(np.float32), depth[faces].astype(np.float32)
    low = np.floor(corners.min(axis=1) - 0.5).astype(np.int64)
    size = np.ceil(corners.max(axis=1) - 0.5).astype(np.int64) - low + 1
    inside = (
        (low[:, 0] + size[:, 0] > 0) & (low[:, 0] < width)
        & (low[:, 1] + size[:, 1] > 0) & (low[:, 1] < height)
        & (far.min(axis=1) > 0.05)
    )  # fmt: skip
    canvas = np.zeros(height * width, np.int32)
    nearest = np.full(height * width, np.inf, np.float32)
    # Faces of like size together: their boxes then are one array.
    longest = np.maximum(size.max(axis=1), 2)
    sides = (2 ** np.ceil(np.log2(longest))).astype(np.int64)
    for side in np.unique(sides[inside]):
        chosen = np.nonzero(inside & (sides == side))[0]
        step = max(1, _CHUNK // int(side * side))
        for start in range(0, len(chosen), step):
            some = chosen[start : start + step]
            at, z, face = _covered(corners[some], far[some], low[some], int(side), width, height)
            nearer = z < nearest[at]
            at, z, face = at[nearer], z[nearer], face[nearer]
            order = np.argsort(-z, kind="stable")  # the last one written stays
            at = at[order]
            nearest[at], canvas[at] = z[order], some[face[order]] + 1
    return canvas.reshape(height, width)


def _covered(
    corners: NDArray[np.float32], far: NDArray[np.float32], low: Ints, side: int,
    width: int, height: int,
) -> tuple[Ints, NDArray[np.float32], Ints]:  # fmt: skip
    """Pixels (flat), depths and faces (as counted in `corners`) where a centre is in a face."""
    grid = np.arange(side)
    x = low[:, 0, None, None] + grid[None, None, :]
    y = low[:, 1, None, None] + grid[None, :, None]
    a, b, c = (corners[:, i, :, None, None] for i in range(3))
    ab, ac = b - a, c - a
    px, py = (x + 0.5).astype(np.float32) - a[:, 0], (y + 0.5).astype(np.float32) - a[:, 1]
    whole = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    whole = np.where(np.abs(whole) < 1e-9, np.float32(np.inf), whole)
    v = (px * ac[:, 1] - py * ac[:, 0]) / whole
    w = (ab[:, 0] * py - ab[:, 1] * px) / whole
    on = (v >= 0) & (w >= 0) & (v + w <= 1) & (whole != np.inf)
    on &= (x >= 0) & (x < width) & (y >= 0) & (y < height)
    face, row, column = np.nonzero(on)
    v, w = v[on], w[on]
    z = far[face, 0] * (1 - v - w) + far[face, 1] * v + far[face, 2] * w
    return (low[face, 1] + row) * width + low[face, 0] + column, z, face
