"""The plate's light: how the light has changed since the plate was learnt, and whether it fits.

A gain about mid-grey for the whole picture (exposure) and an offset of Y, Cb and Cr on a coarse map
(a lamp, the sun, white balance): live = gain * (plate - 128) + 128 + offset. Fitted robustly where
the room is in view, and carried smoothly into what is behind the person. The same pass tells
whether the camera was moved: the plate's own slopes against what is left of the difference give
the shift (Lucas and Kanade, "An iterative image registration technique", 1981).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.plate import light_at

F64 = NDArray[np.float64]

MAP = (9, 16)
"""Rows and columns of the map of offsets, over the whole frame."""

# Differences above this, of 255, are taken for something other than light, in one step.
_CLIP = np.float32(8)
# A slope of the plate, per grid pixel, that a shift shows at; and what differs there for certain.
_SLOPE, _DIFFERS = np.float32(4), np.float32(12)
# The gain stays within these: beyond, it is no longer the same scene.
_LEAST_GAIN, _MOST_GAIN = 0.5, 2.0


@dataclass(slots=True)
class RoomLight:
    """The light now against the plate's.

    Attributes:
        offset: float32 (3, 9, 16): of Y, Cb and Cr, in levels. gain: about 128.
    """

    offset: F32 = field(default_factory=lambda: np.zeros((3, *MAP), np.float32))
    gain: float = 1.0

    def reset(self) -> None:
        """The plate's own light."""
        self.offset[:] = 0
        self.gain = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How well plate and picture agree where the room is in view.

    Attributes:
        cells: grid pixels that could be compared. edges: those of them at the plate's edges.
        changed: the part of ``cells`` that differs. moved: that of ``edges``.
        shift: how far the picture lies from the plate, grid pixels in x and y.
        light: mean change of luma that this look found, in levels.
    """

    cells: int
    edges: int
    changed: float
    moved: float
    shift: tuple[float, float]
    light: float


@kernel(
    "void(float32[:, :, ::1], float32[:, ::1], float32[:, :, ::1], float32, float32, float32,"
    "float32, float32, float32[:, :, ::1], int64, int64)"
)
def _expected(
    plate: F32, noise: F32, light: F32, gain: np.float32, x0: np.float32, y0: np.float32,
    x1: np.float32, y1: np.float32, out: F32, start: int, end: int,
) -> None:  # fmt: skip
    rows, columns = noise.shape
    half = np.float32(0.5)
    for j in range(start, end):
        y = y0 + (np.float32(j) + half) * (y1 - y0) / np.float32(rows)
        for c in range(3):
            # The map is far coarser than the grid: straight lines between every eighth column.
            for i in range(0, columns, 8):
                x = x0 + (np.float32(i) + half) * (x1 - x0) / np.float32(columns)
                far = x + np.float32(8) * (x1 - x0) / np.float32(columns)
                here = light_at(light, c, y, x)
                slope = (light_at(light, c, y, far) - here) * np.float32(0.125)
                for k in range(i, min(i + 8, columns)):
                    add = here + slope * np.float32(k - i)
                    level = gain * (plate[c, j, k] - np.float32(128))
                    out[c, j, k] = level + np.float32(128) + add


def expected_planes(
    plate: F32, noise: F32, light: RoomLight, rect: Rect, whole: Rect, out: F32,
    part: tuple[int, int] | None = None,
) -> None:  # fmt: skip
    """The plate on a grid over ``rect`` in the light as it is now.

    Args:
        plate: float32 (3, rows, columns): Y, Cb, Cr, 0..255. noise: float32 (rows, columns).
        rect: part of ``whole``, the frame. out: float32 (3, rows, columns), overwritten.
        part: only the rows from the first to before the second; None: all.
    """
    w, h = np.float32(whole.width), np.float32(whole.height)
    _expected(
        plate, noise, light.offset, np.float32(light.gain), np.float32(rect.x) / w,
        np.float32(rect.y) / h, np.float32(rect.right) / w, np.float32(rect.bottom) / h, out,
        *(part or (0, noise.shape[0])),
    )  # fmt: skip


@kernel(
    "void(float32[:, :, ::1], float32[:, :, ::1], float32[:, ::1], uint8[:, ::1], float32[:],"
    "float32[:], float64[:, :, ::1], float64[::1], int64)"
)
def _compare(
    live: F32, expected: F32, noise: F32, taken: U8, rows_at: F32, columns_at: F32,
    blocks: F64, sums: F64, start: int,
) -> None:  # fmt: skip
    rows, columns = noise.shape
    half = np.float32(0.5)
    for j in range(1 + start, rows - 1, 2):
        block_row = int(rows_at[j])
        for i in range(1, columns - 1):
            if taken[j, i] or noise[j, i] < 0:
                continue
            r = live[0, j, i] - expected[0, j, i]
            clipped = min(max(r, -_CLIP), _CLIP)
            block = int(columns_at[i])
            blocks[0, block_row, block] += 1
            blocks[1, block_row, block] += clipped
            cb = live[1, j, i] - expected[1, j, i]
            cr = live[2, j, i] - expected[2, j, i]
            blocks[2, block_row, block] += min(max(cb, -_CLIP), _CLIP)
            blocks[3, block_row, block] += min(max(cr, -_CLIP), _CLIP)
            limit = _DIFFERS + np.float32(2) * noise[j, i]
            away = abs(r) + abs(cb) + abs(cr)
            sums[0] += 1
            if away > limit:
                sums[1] += 1
            level = expected[0, j, i] - np.float32(128)
            blocks[4, block_row, block] += level
            sums[2] += level
            sums[3] += level * level
            sums[4] += clipped
            sums[5] += level * clipped
            gx = (expected[0, j, i + 1] - expected[0, j, i - 1]) * half
            gy = (expected[0, j + 1, i] - expected[0, j - 1, i]) * half
            if abs(gx) + abs(gy) > _SLOPE:
                sums[6] += 1
                if away > limit:
                    sums[7] += 1
                r = min(max(r, np.float32(-40)), np.float32(40))
                sums[8] += gx * gx
                sums[9] += gx * gy
                sums[10] += gy * gy
                sums[11] += gx * r
                sums[12] += gy * r


def _spread_out(blocks: F64, floor: float) -> F32:
    """The blocks' means, near ones weighing in where a block is hidden; float32 (3, ...)."""
    weight = blocks[0].astype(np.float32)
    means = blocks[1:4].astype(np.float32)
    whole = means.sum(axis=(1, 2)) / max(float(weight.sum()), 1.0)
    out = np.empty((3, *MAP), np.float32)
    near = cv2.GaussianBlur(weight, (0, 0), 0.7, borderType=cv2.BORDER_REPLICATE)
    wide = cv2.GaussianBlur(weight, (0, 0), 2.5, borderType=cv2.BORDER_REPLICATE)
    for c in range(3):
        of_wide = cv2.GaussianBlur(means[c], (0, 0), 2.5, borderType=cv2.BORDER_REPLICATE)
        broad = (of_wide + floor * whole[c]) / (wide + floor)
        of_near = cv2.GaussianBlur(means[c], (0, 0), 0.7, borderType=cv2.BORDER_REPLICATE)
        out[c] = (of_near + floor * broad) / (near + floor)
    return out


def _positions(rect: Rect, whole: Rect, rows: int, columns: int) -> tuple[F32, F32]:
    y = (rect.y + (np.arange(rows) + 0.5) * rect.height / rows) / whole.height * MAP[0]
    x = (rect.x + (np.arange(columns) + 0.5) * rect.width / columns) / whole.width * MAP[1]
    return y.astype(np.float32), x.astype(np.float32)


def fit_light(
    light: RoomLight, live: F32, expected: F32, noise: F32, taken: U8, rect: Rect, whole: Rect,
    start: int = 0,
) -> Fit:  # fmt: skip
    """Compare, and move the light, in place, towards what explains the difference.

    Args:
        live, expected: float32 (3, rows, columns), 0..255: the picture, and the plate in ``light``.
        noise: float32 (rows, columns), see ``plate_noise``. taken: uint8, same shape: above 0
            where somebody is or may be. rect: what the grid covers. whole: the frame.
        start: 0 or 1: every second row is looked at, from this one on.
    """
    blocks, sums = np.zeros((5, *MAP)), np.zeros(13)
    rows_at, columns_at = _positions(rect, whole, *noise.shape)
    _compare(live, expected, noise, taken, rows_at, columns_at, blocks, sums, start)
    return settle(light, blocks, sums)


def settle(light: RoomLight, blocks: F64, sums: F64) -> Fit:
    """The second half of ``fit_light``: move the light, in place, by what was compared.

    Args:
        blocks: float64 (5, 9, 16), changed: of each cell of the map how many grid pixels were
            compared, and their sums of the clipped differences of Y, Cb, Cr, and of the level.
        sums: float64 (13,), of all: pixels, changed ones, level, its square, difference of Y, its
            product with the level; at edges pixels, changed ones, and the products of slopes.
    """
    n, edges = int(sums[0]), int(sums[6])
    if n == 0:
        return Fit(0, 0, 0.0, 0.0, (0.0, 0.0), 0.0)
    variance = sums[3] / n - (sums[2] / n) ** 2
    gain = 0.0
    if n > 200 and variance > 100:
        # What rises with the level is the gain; damped, as the offsets are.
        gain = (sums[5] / n - sums[4] * sums[2] / n**2) / (variance + 400)
        blocks[1] -= gain * blocks[4]
    light.gain = min(max(light.gain + gain, _LEAST_GAIN), _MOST_GAIN)
    light.offset += np.float32(0.7) * _spread_out(blocks, 24.0)
    shift = _shift(sums) if edges > 50 else (0.0, 0.0)
    return Fit(n, edges, sums[1] / n, sums[7] / max(edges, 1), shift, float(sums[4] / n))


def _shift(sums: F64) -> tuple[float, float]:
    xx, xy, yy, xr, yr = (float(v) for v in sums[8:13])
    xx, yy = xx + 100, yy + 100
    det = xx * yy - xy * xy
    if det <= 1e-3 * xx * yy:
        return 0.0, 0.0
    # live(x) = plate(x - s): r = -s * slope.
    return -(yy * xr - xy * yr) / det, -(xx * yr - xy * xr) / det
