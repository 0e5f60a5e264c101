"""Simple meshes that things are made of: turned, bent to a tube, boxed, disc-shaped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from export.figures.body import Floats, Ints

Mesh = tuple[Floats, Ints]  # vertices (n, 3) and triangles (f, 3)


def _grid(rows: int, columns: int) -> Ints:
    """Triangles of a strip of `rows` rings of `columns` vertices, closed around."""
    faces = []
    for i in range(rows - 1):
        for j in range(columns):
            a, b = i * columns + j, i * columns + (j + 1) % columns
            faces += [(a, b, b + columns), (a, b + columns, a + columns)]
    return np.array(faces, np.int64)


def turned(profile: Sequence[tuple[float, float]], wide: float = 1.0, deep: float = 1.0,
           sides: int = 32) -> Mesh:  # fmt: skip
    """A surface of revolution about z: radii and heights, radii scaled by axis."""
    around = np.arange(sides) * 2 * np.pi / sides
    ring = np.stack([wide * np.cos(around), deep * np.sin(around), np.zeros(sides)], axis=1)
    dense: list[tuple[float, float]] = []
    for (r0, z0), (r1, z1) in pairwise(profile):
        dense += [(r0 + (r1 - r0) * t, z0 + (z1 - z0) * t) for t in (0.0, 0.34, 0.67)]
    dense.append(profile[-1])
    points = [ring * (r, r, 0) + (0, 0, z) for r, z in dense]
    return np.concatenate(points), _grid(len(dense), sides)


def ball(wide: float, deep: float, tall: float) -> Mesh:
    """An ellipsoid about the origin with these half axes."""
    angles = np.linspace(0.02, np.pi - 0.02, 9)
    profile = [(float(np.sin(a)), float(np.cos(a))) for a in angles]
    points, faces = turned(profile, sides=20)
    return points * (wide, deep, tall), faces


def tube(path: Floats, radius: float, sides: int = 8) -> Mesh:
    """A tube along `path` (n, 3), open at its ends."""
    way = np.gradient(path, axis=0)
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    # Across: any fixed direction that the path is never along.
    fixed = np.eye(3)[int(np.argmin(np.abs(way).max(axis=0)))]
    first = np.cross(way, fixed)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(way, first)
    around = np.arange(sides) * 2 * np.pi / sides
    rings = [
        at + radius * (np.cos(around)[:, None] * u + np.sin(around)[:, None] * v)
        for at, u, v in zip(path, first, second, strict=True)
    ]
    return np.concatenate(rings), _grid(len(path), sides)


def box(wide: float, deep: float, tall: float, cells: int = 4) -> Mesh:
    """A box about the origin with these half extents, its sides of `cells` squares."""
    steps = np.linspace(-1, 1, cells + 1)
    points: list[Floats] = []
    faces: list[tuple[int, int, int]] = []
    for axis in range(3):
        for end in (-1.0, 1.0):
            start = sum(len(p) for p in points)
            u, v = np.meshgrid(steps, steps, indexing="ij")
            side = np.empty((u.size, 3))
            side[:, axis] = end
            side[:, (axis + 1) % 3], side[:, (axis + 2) % 3] = u.ravel(), end * v.ravel()
            points.append(side * (wide, deep, tall))
            for i in range(cells):
                for j in range(cells):
                    a = start + i * (cells + 1) + j
                    faces += [(a, a + cells + 1, a + cells + 2), (a, a + cells + 2, a + 1)]
    return np.concatenate(points), np.array(faces, np.int64)


def joined(*meshes: Mesh) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0, *(len(points) for points, _ in meshes[:-1])])
    faces = [own + start for (_, own), start in zip(meshes, starts, strict=True)]
    return np.concatenate([points for points, _ in meshes]), np.concatenate(faces)


def moved(mesh: Mesh, at: Floats, axes: Floats | None = None) -> Mesh:
    """Turned so that x, y, z become the columns of `axes` (3, 3), then moved to `at` (3,)."""
    points, faces = mesh
    return (points if axes is None else points @ axes.T) + at, faces
