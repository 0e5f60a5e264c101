"""Rasterises a mesh into face numbers: back to front, through a pinhole camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from export.figures.body import Floats, Ints

_SHIFT = 4  # corners in sixteenths of a pixel


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


def paint(pixels: Floats, depth: Floats, faces: Ints, width: int, height: int) -> NDArray[np.int32]:
    """One-based face numbers, 0 where nobody is, int32 (height, width).

    `pixels` (n, 2) and `depth` (n,) are the corners'. The farthest face is painted first; for
    faces as small as a body's that is as good as a depth buffer.
    """
    corners, far = pixels[faces], depth[faces]  # (f, 3, 2) and (f, 3)
    inside = (
        (corners[..., 0].max(1) > 0) & (corners[..., 0].min(1) < width)
        & (corners[..., 1].max(1) > 0) & (corners[..., 1].min(1) < height)
        & (far.min(1) > 0.05)
    )  # fmt: skip
    order = np.argsort(-far.mean(axis=1), kind="stable")
    order = order[inside[order]]
    fixed = np.round(corners * (1 << _SHIFT)).astype(np.int32)
    canvas = np.zeros((height, width), np.int32)
    for face in order:
        cv2.fillConvexPoly(canvas, fixed[face], int(face) + 1, cv2.LINE_8, _SHIFT)
    return canvas
