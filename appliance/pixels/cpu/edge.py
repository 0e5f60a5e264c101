"""Edge: the matte's edge shrunk or grown, and softened, by pixels of the picture.

The network's grid is several times coarser than the picture, and the guided filter draws the edge
where the picture's own edge is. So both of what makes alpha are moved across the edge, along its
normals: the coefficients on the grid, and the luma that they are applied to at full size. The moved
edge keeps every detail of the one that was there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.rows import between

# Of the blurred matte's slope, 1 being that of a hard edge: up to the first nothing is moved, from
# the second on all is. kernels/edge.cuh has the same, and the next two.
_FLAT, _STEEP = np.float32(0.02), np.float32(0.1)
# Keeps the ratio of small 1 - alpha near 1 where nothing is to change; and its most.
_SPARE, _MOST_SHIFT = np.float32(0.05), np.float32(4)

# The 10-90 % ramp of a hard edge that was averaged to the grid and enlarged again, in grid pixels.
_OWN_RAMP = 1.0
# The 10-90 % ramp of a hard edge blurred with a sigma of 1.
_RAMP_OF_SIGMA = 2.563


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """What ``choke`` and ``softness``, in pixels of the picture, come to on a grid.

    Attributes:
        scale: pixels of the picture that a grid pixel is wide and high.
        choke: as given: pixels inwards, below 0 outwards.
        normal_sigma: of the blur that normals are taken from, grid pixels in x and in y.
        soft_sigma: of the blur that softens, likewise; 0, 0: none.
        share: of the softened alpha in the result, 0..1.
    """

    scale: tuple[float, float]
    choke: float
    normal_sigma: tuple[float, float]
    soft_sigma: tuple[float, float]
    share: float


def edge_plan(grid: tuple[int, int], rect: Rect, choke: float, softness: float) -> EdgePlan:
    """Plan for a grid (rows, columns) over ``rect``.

    Ramps of blurred edges add as squares, so that the blur must be wider than ``softness`` for the
    grid's own ramp to become longer by it. A softness of less than a grid pixel is a mixture: the
    grid alone can show none.
    """
    scale_x, scale_y = rect.width / grid[1], rect.height / grid[0]
    mean = math.sqrt(scale_x * scale_y)
    # As far as the edge's new place, a slope must be left to tell its direction.
    reach = max(0.6 * mean, (abs(choke) + 0.5 * mean) / 1.7)
    sigma = math.sqrt(softness * (softness + 2 * _OWN_RAMP * mean)) / _RAMP_OF_SIGMA
    return EdgePlan(
        (scale_x, scale_y), choke, (reach / scale_x, reach / scale_y),
        (sigma / scale_x, sigma / scale_y), min(1.0, softness / mean),
    )  # fmt: skip


def _gauss(sigma: float) -> F32:
    """Weights of a Gaussian blur, float32 (2r + 1,), r up to 2.5 ``sigma``; their sum is 1."""
    radius = math.ceil(2.5 * sigma)
    away = np.arange(-radius, radius + 1, dtype=np.float32)
    weights = np.exp(np.square(away) * np.float32(-0.5 / max(sigma, 1e-6) ** 2))
    return np.asarray(weights / weights.sum(), np.float32)


def _blur(plane: F32, sigma: tuple[float, float]) -> F32:
    blurred = cv2.sepFilter2D(
        plane, cv2.CV_32F, _gauss(sigma[0]), _gauss(sigma[1]), borderType=cv2.BORDER_REPLICATE
    )
    return np.asarray(blurred, np.float32)


@kernel("void(float32[:, :], float32[:, :], float32[:, :], float32[:, ::1])")
def _coarse(luma: F32, a: F32, b: F32, out: F32) -> None:
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            alpha = a[j, i] * luma[j, i] + b[j, i]
            out[j, i] = min(max(alpha, np.float32(0)), np.float32(1))


@kernel("void(float32[:, ::1], float32, float32, float32, float32[:, :, ::1])")
def _normals(
    soft: F32, scale_x: np.float32, scale_y: np.float32, unit: np.float32, out: F32
) -> None:
    rows, columns = soft.shape
    half = np.float32(0.5)
    for j in range(rows):
        upper, lower = max(j - 1, 0), min(j + 1, rows - 1)
        for i in range(columns):
            left, right = max(i - 1, 0), min(i + 1, columns - 1)
            x = (soft[j, right] - soft[j, left]) * half / scale_x
            y = (soft[lower, i] - soft[upper, i]) * half / scale_y
            size = np.sqrt(x * x + y * y)
            steep = min((size * unit - _FLAT) / (_STEEP - _FLAT), np.float32(1))
            share = steep / size if steep > 0 else np.float32(0)
            out[0, j, i] = x * share
            out[1, j, i] = y * share


@inline
def _at(plane: F32, x: np.float32, y: np.float32) -> np.float32:
    """Bilinear; the border goes on outside."""
    rows, columns = plane.shape
    x = min(max(x, np.float32(0)), np.float32(columns - 1))
    y = min(max(y, np.float32(0)), np.float32(rows - 1))
    i, j = min(int(x), max(columns - 2, 0)), min(int(y), max(rows - 2, 0))
    k, n = min(i + 1, columns - 1), min(j + 1, rows - 1)
    tx, ty = x - np.float32(i), y - np.float32(j)
    upper = plane[j, i] + tx * (plane[j, k] - plane[j, i])
    lower = plane[n, i] + tx * (plane[n, k] - plane[n, i])
    return np.float32(upper + ty * (lower - upper))


@kernel(
    "void(float32[:, :, ::1], float32[:, ::1], float32[:, :, ::1], float32, float32, float32,"
    "float32[:, :, ::1])"
)
def _move(
    given: F32, plain: F32, normals: F32, choke: np.float32, scale_x: np.float32,
    scale_y: np.float32, out: F32,
) -> None:  # fmt: skip
    """a, b and the matte at the grid, each from where its pixel's edge was."""
    for j in range(plain.shape[0]):
        for i in range(plain.shape[1]):
            x, y = normals[0, j, i], normals[1, j, i]
            if x == 0 and y == 0:
                out[0, j, i], out[1, j, i] = given[0, j, i], given[1, j, i]
                out[2, j, i] = plain[j, i]
                continue
            px = np.float32(i) - choke * x / scale_x
            py = np.float32(j) - choke * y / scale_y
            out[0, j, i], out[1, j, i] = _at(given[0], px, py), _at(given[1], px, py)
            out[2, j, i] = _at(plain, px, py)


@kernel(
    "void(float32[:, :, ::1], float32[:, ::1], float32[:, ::1], float32, boolean,"
    "float32[:, :, ::1])"
)
def _finish(given: F32, plain: F32, soft: F32, share: np.float32, shifted: bool, out: F32) -> None:
    """Soften a and b in place; ``out[2]`` holds the moved matte, and becomes F-B of Y."""
    one = np.float32(1)
    for j in range(plain.shape[0]):
        for i in range(plain.shape[1]):
            out[0, j, i] -= share * out[0, j, i]
            out[1, j, i] += share * (soft[j, i] - out[1, j, i])
            now = out[2, j, i] + share * (soft[j, i] - out[2, j, i])
            rest = np.float32(0)
            if shifted:
                rest = min((one - plain[j, i] + _SPARE) / (one - now + _SPARE), _MOST_SHIFT)
            for c in range(2, 5):
                out[c, j, i] = given[c, j, i] * rest


def shape_edge(
    luma: F32, coefficients: F32, plan: EdgePlan, shifted: bool
) -> tuple[F32, F32 | None]:
    """Coefficients of a matte whose edge is moved and softened, and the normals of its edge.

    With n the normal (the direction in which alpha rises, 1 pixel of the picture long near the
    edge), a and b are taken from x - choke*n, and C, the matte on the grid, likewise. Softened,
    alpha is (1-k)*(a*Y + b) + k*S, S the blurred C. F-B is changed so that (1-alpha)*(F-B) stays
    what it was: a pixel's colour is mixed as before, wherever the edge went.

    Args:
        luma: float32 (rows, columns), 0..255: the guide.
        coefficients: float32 (5, rows, columns), see ``Matte``; left as they are.
        shifted: see ``Matte``.

    Returns new coefficients, float32 (5, rows, columns), and the normals, float32 (2, rows,
    columns), x and y, their length 0..1, for ``edge_guide``; None where the edge is not moved.
    """
    plain, out = np.empty(luma.shape, np.float32), np.empty_like(coefficients)
    _coarse(luma, coefficients[0], coefficients[1], plain)
    normals = None
    if plan.choke:
        scale_x, scale_y = (np.float32(scale) for scale in plan.scale)
        normals = np.empty((2, *luma.shape), np.float32)
        # Of a hard edge after that blur, the steepest slope per pixel of the picture is 1 / unit.
        unit = math.sqrt(2 * math.pi) * plan.normal_sigma[0] * plan.scale[0]
        _normals(_blur(plain, plan.normal_sigma), scale_x, scale_y, np.float32(unit), normals)
        _move(coefficients, plain, normals, np.float32(plan.choke), scale_x, scale_y, out)
    else:
        out[:2], out[2] = coefficients[:2], plain
    soft = _blur(out[2], plan.soft_sigma) if plan.share else plain
    _finish(coefficients, plain, soft, np.float32(plan.share), shifted, out)
    return out, normals


@kernel("void(uint8[:, :], uint8[:, :], int64, int64, int64, int64, float32[:, :, ::1], float32)")
def _guide(
    luma: U8, out: U8, x0: int, y0: int, width: int, height: int, normals: F32, choke: np.float32
) -> None:
    rows, columns = normals.shape[1:]
    right, bottom = np.float32(luma.shape[1] - 1), np.float32(luma.shape[0] - 1)
    scale, per = np.float32(width) / np.float32(columns), np.float32(columns) / np.float32(width)
    half, zero = np.float32(0.5), np.float32(0)
    # Between two rows of the grid, the gaps between two columns across which there is an edge.
    edges, many = np.empty((rows, columns + 1), np.int32), np.zeros(rows, np.int32)
    for k in range(rows):
        n = min(k + 1, rows - 1)
        before = False
        for gap in range(columns + 1):
            i = min(gap, columns - 1)
            here = normals[0, k, i] != 0 or normals[1, k, i] != 0
            here = here or normals[0, n, i] != 0 or normals[1, n, i] != 0
            if here or before:
                edges[k, many[k]] = gap
                many[k] += 1
            before = here
    for line in range(height):
        y = y0 + line
        k, n, t = between(line + 0.5, height, rows)
        for each in range(many[k]):
            gap = edges[k, each]
            i, j = max(gap - 1, 0), min(gap, columns - 1)
            ax = -choke * (normals[0, k, i] + t * (normals[0, n, i] - normals[0, k, i]))
            ay = -choke * (normals[1, k, i] + t * (normals[1, n, i] - normals[1, k, i]))
            bx = -choke * (normals[0, k, j] + t * (normals[0, n, j] - normals[0, k, j])) - ax
            by = -choke * (normals[1, k, j] + t * (normals[1, n, j] - normals[1, k, j])) - ay
            start = max(int(np.ceil((np.float32(gap) - half) * scale - half)), 0)
            end = min(int(np.ceil((np.float32(gap) + half) * scale - half)), width)
            for pixel in range(start, end):
                p = (np.float32(pixel) + half) * per + half - np.float32(gap)
                px = np.float32(x0 + pixel) + half + ax + p * bx
                py = np.float32(y) + half + ay + p * by
                at_x = np.int32(min(max(px, zero), right))
                at_y = np.int32(min(max(py, zero), bottom))
                out[y, x0 + pixel] = luma[at_y, at_x]


def edge_guide(luma: U8, rect: Rect, normals: F32, choke: float, out: U8) -> None:
    """Luma as the moved coefficients are applied to it: from x - choke*n, at full size.

    Args:
        luma: uint8 (height, width): the frame's. out: the same size, overwritten within ``rect``.
        rect: what the normals' grid covers. normals: see ``shape_edge``. choke: pixels.
    """
    # One bulk copy: the kernel, made for any pitch, would copy byte by byte.
    part = (slice(rect.y, rect.bottom), slice(rect.x, rect.right))
    np.copyto(out[part], luma[part])
    _guide(luma, out, rect.x, rect.y, rect.width, rect.height, normals, np.float32(choke))
