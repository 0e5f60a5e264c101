"""A cut-out layer, bent by a coarse mesh and laid on a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.jit import inline, kernel

I16 = NDArray[np.int16]
I32 = NDArray[np.int32]

_BITS = 6
STEPS = 1 << _BITS
"""Places are rounded to so many parts of a pixel: an unmoved one is then met exactly."""
_AREA = STEPS * STEPS
_SOLID = 255 * _AREA
_FARTHEST = 1e7


def occupied(alpha: I16) -> I32:
    """How many pixels above and left of each corner have any alpha, and how many are solid.

    Returns int32 (2, rows + 1, columns + 1): the sums over a rectangle are four of each away.
    """
    out = np.zeros((2, alpha.shape[0] + 1, alpha.shape[1] + 1), np.int32)
    for n, mask in enumerate((alpha > 0, alpha == 255)):
        out[n, 1:, 1:] = np.cumsum(np.cumsum(mask, axis=0, dtype=np.int32), axis=1)
    return out


@inline
def _filling(sums: I32, low_x: float, low_y: float, high_x: float, high_y: float) -> int:
    """Of what lies between two places, with one pixel around it: 0 nothing, 1 some, 2 all solid."""
    rows, columns = sums.shape[1] - 1, sums.shape[2] - 1
    left = int(min(max(low_x - 1, 0.0), columns - 1.0))
    top = int(min(max(low_y - 1, 0.0), rows - 1.0))
    right = int(min(max(high_x + 3, 1.0), float(columns)))
    bottom = int(min(max(high_y + 3, 1.0), float(rows)))
    found = 0
    for n, least in enumerate((1, (bottom - top) * (right - left))):
        inside = sums[n, bottom, right] - sums[n, top, right]
        inside += sums[n, top, left] - sums[n, bottom, left]
        found += inside >= least
    return found


@kernel("void(int16[:, :, ::1], int32[:, :, ::1], float32[:, :, ::1], boolean, uint8[:, :, :])")
def mesh_warp(layer: I16, sums: I32, grid: F32, goes_on: bool, out: U8) -> None:
    """Lay a layer on ``out``, each pixel taken from where the mesh says, bilinear.

    Args:
        layer: (rows, columns, channels + 1), the last one alpha, 0..255; the others are times alpha
            / 255, so that out = layer + (1 - alpha / 255) * out.
        sums: ``occupied`` of its alpha.
        grid: float32 (vertex rows, vertex columns, 2), at least 2x2: column and row in ``layer``
            that vertices spread evenly over ``out`` come from, the first and last of them on the
            centres of the border's pixels. Where one is no number, or absurd, nothing is drawn.
        goes_on: whether the layer goes on beyond its border as it is there, or is nothing there.
        out: uint8 (height, width, channels), both at least 2, drawn upon.
    """
    height, width, channels = out.shape
    rows, columns = layer.shape[0], layer.shape[1]
    high, wide = grid.shape[0] - 1, grid.shape[1] - 1
    step_y, step_x = (height - 1) / high, (width - 1) / wide
    for i in range(high):
        # A cell owns its first vertex's pixels; the last one in a row its last vertex's, too.
        top = int(np.ceil(i * step_y - 1e-9))
        bottom = height if i == high - 1 else int(np.ceil((i + 1) * step_y - 1e-9))
        for j in range(wide):
            left = int(np.ceil(j * step_x - 1e-9))
            right = width if j == wide - 1 else int(np.ceil((j + 1) * step_x - 1e-9))
            ax, bx = float(grid[i, j, 0]), float(grid[i, j + 1, 0])
            cx, dx = float(grid[i + 1, j, 0]), float(grid[i + 1, j + 1, 0])
            ay, by = float(grid[i, j, 1]), float(grid[i, j + 1, 1])
            cy, dy = float(grid[i + 1, j, 1]), float(grid[i + 1, j + 1, 1])
            # So written, it leaves out what is no number, too.
            total = abs(ax) + abs(bx) + abs(cx) + abs(dx) + abs(ay) + abs(by) + abs(cy) + abs(dy)
            if not total < _FARTHEST:
                continue
            filling = _filling(
                sums,
                min(min(ax, bx), min(cx, dx)), min(min(ay, by), min(cy, dy)),
                max(max(ax, bx), max(cx, dx)), max(max(ay, by), max(cy, dy)),
            )  # fmt: skip
            if filling == 0:
                continue
            for y in range(top, bottom):
                down = y / step_y - i
                first_x, last_x = ax + (cx - ax) * down, bx + (dx - bx) * down
                first_y, last_y = ay + (cy - ay) * down, by + (dy - by) * down
                slope_x, slope_y = (last_x - first_x) / step_x, (last_y - first_y) / step_x
                for x in range(left, right):
                    along = x - j * step_x
                    at_x, at_y = first_x + slope_x * along, first_y + slope_y * along
                    if not goes_on and not (
                        -0.5 < at_x < columns - 0.5 and -0.5 < at_y < rows - 0.5
                    ):
                        continue
                    at_x = min(max(at_x, 0.0), columns - 1.0)
                    at_y = min(max(at_y, 0.0), rows - 1.0)
                    column_at, row_at = int(at_x * STEPS + 0.5), int(at_y * STEPS + 0.5)
                    k, r = (column_at >> _BITS) & 0xFFFFF, (row_at >> _BITS) & 0xFFFFF
                    u, v = column_at & (STEPS - 1), row_at & (STEPS - 1)
                    k1, r1 = k + (k < columns - 1), r + (r < rows - 1)
                    w00, w01 = (STEPS - u) * (STEPS - v), u * (STEPS - v)
                    w10, w11 = (STEPS - u) * v, u * v
                    alpha = _SOLID
                    if filling == 1:
                        alpha = (
                            w00 * layer[r, k, channels] + w01 * layer[r, k1, channels]
                            + w10 * layer[r1, k, channels] + w11 * layer[r1, k1, channels]
                        )  # fmt: skip
                    if alpha == 0:
                        continue
                    for c in range(channels):
                        value = (
                            w00 * layer[r, k, c] + w01 * layer[r, k1, c]
                            + w10 * layer[r1, k, c] + w11 * layer[r1, k1, c]
                        )  # fmt: skip
                        if alpha == _SOLID:
                            mixed = (value + _AREA // 2) >> (2 * _BITS)
                        else:
                            # To the nearest; a double holds all of these exactly.
                            below = out[y, x, c] * (_SOLID - alpha)
                            mixed = int((255.0 * value + below) * (1.0 / _SOLID) + 0.5)
                        out[y, x, c] = np.uint8(min(max(mixed, 0), 255))


@kernel("void(int32[:, ::1], int16[:, ::1], float32[:, :, ::1], float32, uint8[:, :, :])")
def add_rest(places: I32, rest: I16, moved: F32, farthest: np.float32, out: U8) -> None:
    """Add to ``out`` what is missing from it, where nothing has moved; the less, the more has.

    Args:
        places: int32 (N, 2), rows and columns of ``out``. rest: int16 (N, channels), what is to be
            added there where nothing moved.
        moved: float32 (vertex rows, vertex columns, 2): how far vertices moved that are spread over
            ``out`` as in ``mesh_warp``. farthest: where this far or farther, nothing is added.
        out: uint8 (height, width, channels), both at least 2, changed in place.
    """
    step_y = (out.shape[0] - 1) / (moved.shape[0] - 1)
    step_x = (out.shape[1] - 1) / (moved.shape[1] - 1)
    for n in range(places.shape[0]):
        y, x = places[n, 0], places[n, 1]
        i = min(int(y / step_y), moved.shape[0] - 2)
        j = min(int(x / step_x), moved.shape[1] - 2)
        down, across = y / step_y - i, x / step_x - j
        far = 0.0
        for part in range(2):
            upper = moved[i, j, part] + across * (moved[i, j + 1, part] - moved[i, j, part])
            lower = moved[i + 1, j, part] + across * (
                moved[i + 1, j + 1, part] - moved[i + 1, j, part]
            )
            far += abs(upper + down * (lower - upper))
        share = 1 - far / farthest
        if not share > 0:
            continue
        for c in range(out.shape[2]):
            value = int(np.rint(share * rest[n, c])) + int(out[y, x, c])
            out[y, x, c] = np.uint8(min(max(value, 0), 255))
