"""Plate: the empty room, learnt where nobody is, pixel by pixel, a part of the rows each frame.

A robust running mean: each time a cell of a few pixels is seen free, its pixels move towards the
picture by 1/n, at least 1/16, and by no more than the cell's own noise allows. A cell counts as
known once it was seen free and unchanged some times in a row; a cell that changes for good (a
chair that was moved) is learnt anew. Light that changes is taken off first (``plate_light``), so
that the plate stays in the light that it was first seen in, also behind the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Colour, Frame, Rect
from appliance.pixels.cpu.jit import inline, kernel

U16 = NDArray[np.uint16]
I64 = NDArray[np.int64]
F = np.floating[Any]

KNOWN = 6
"""A cell is known from this many times on."""


# kernels/plate.cuh has the same four. A free cell differs from what was learnt, in its mean, of
# 255: by the first plus the second times its noise; the pixels' step is limited likewise.
_ODD, _ODD_NOISE = np.float32(9), np.float32(3)
_STEP, _STEP_NOISE = np.float32(4), np.float32(3)
_SLOWEST = np.float32(1 / 16)


@dataclass(slots=True, eq=False)
class Plate:
    """The empty room as far as it is known.

    Attributes:
        picture: NV12 of the frame's size; means something where ``times`` is ``KNOWN`` or more.
        mean_y, mean_uv: uint16 (height, width), (height / 2, width): the same in 1/256.
        times: uint8 (rows, columns): how often each cell was seen free in a row, up to 255.
        spread: float32 (rows, columns), 0..255: mean difference of its pixels to the plate.
        odd: uint8 (rows, columns): how often a known cell was seen changed in a row.
        cell: pixels of a cell's side, even; the last row and column may be cut short.
    """

    picture: Frame
    mean_y: U16
    mean_uv: U16
    times: U8
    spread: F32
    odd: U8
    cell: int

    def forget(self) -> None:
        """Nothing is known any more."""
        self.times[:] = 0
        self.odd[:] = 0
        self.spread[:] = 0

    @property
    def known(self) -> float:
        """The part of the picture that is known, 0..1."""
        return float(np.count_nonzero(self.times >= KNOWN)) / self.times.size


def turns_of(height: int) -> int:
    """One row of cells in so many is looked at in a frame: fewer of a large one's."""
    return 4 if height < 600 else 8 if height < 1000 else 16


def cell_of(width: int, height: int) -> int:
    """The side of a cell for frames of this size: about 1/270 of the shorter side, even."""
    return max(2, round(min(width, height) / 540) * 2)


def empty_plate(width: int, height: int, colour: Colour) -> Plate:
    """A plate of which nothing is known, in memory of its own."""
    cell = cell_of(width, height)
    cells = (-(-height // cell), -(-width // cell))
    picture = Frame(
        np.zeros((height, width), np.uint8),
        np.full((height // 2, width // 2, 2), 128, np.uint8),
        colour,
    )
    return Plate(
        picture, np.zeros((height, width), np.uint16), np.zeros((height // 2, width), np.uint16),
        np.zeros(cells, np.uint8), np.zeros(cells, np.float32), np.zeros(cells, np.uint8), cell,
    )  # fmt: skip


@inline
def light_at(light: F32, plane: int, y: float | F, x: float | F) -> np.float32:
    """A coarse map at a place of the frame, 0..1 from its edges; bilinear, borders go on."""
    rows, columns = light.shape[1], light.shape[2]
    v = min(max(np.float32(y) * rows - np.float32(0.5), np.float32(0)), np.float32(rows - 1))
    u = min(max(np.float32(x) * columns - np.float32(0.5), np.float32(0)), np.float32(columns - 1))
    j, i = min(int(v), max(rows - 2, 0)), min(int(u), max(columns - 2, 0))
    n, k = min(j + 1, rows - 1), min(i + 1, columns - 1)
    t, s = v - np.float32(j), u - np.float32(i)
    upper = light[plane, j, i] + s * (light[plane, j, k] - light[plane, j, i])
    lower = light[plane, n, i] + s * (light[plane, n, k] - light[plane, n, i])
    return np.float32(upper + t * (lower - upper))


@inline
def _away_row(live: U8, mean: U16, shift: F32, per_gain: np.float32, away: F32) -> None:
    """Add to ``away`` how far each sample of a row lies from the plate, both in its light."""
    for x in range(live.shape[0]):
        seen = (np.float32(live[x]) - shift[x]) * per_gain
        away[x] += abs(seen + np.float32(128) - np.float32(mean[x]) * np.float32(1 / 256))


@inline
def _learn_row(
    live: U8, mean: U16, plate: U8, shift: F32, per_gain: np.float32, rate: F32, step: F32
) -> None:
    for x in range(live.shape[0]):
        seen = (np.float32(live[x]) - shift[x]) * per_gain + np.float32(128)
        before = np.float32(mean[x]) * np.float32(1 / 256)
        change = min(max(seen - before, -step[x]), step[x])
        now = min(max(before + rate[x] * change, np.float32(0)), np.float32(255))
        mean[x] = np.uint16(np.int32(now * np.float32(256) + np.float32(0.5)))
        plate[x] = np.uint8(np.int32(now + np.float32(0.5)))


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, ::1], uint8[:, ::1], uint16[:, ::1], uint16[:, ::1],"
    "uint8[:, ::1], float32[:, ::1], uint8[:, ::1], uint8[:, ::1], float32[:, :, ::1], float32,"
    "int64, int64, int64, int64, int64[::1])"
)
def _learn(
    y: U8, uv: U8, plate_y: U8, plate_uv: U8, mean_y: U16, mean_uv: U16, times: U8, spread: F32,
    odd: U8, free: U8, light: F32, gain: np.float32, cell: int, turn: int, turns: int,
    patience: int, seen: I64,
) -> None:  # fmt: skip
    height, width = y.shape
    rows, columns = times.shape
    per_gain = np.float32(1) / gain
    # Of the luma, then of Cb and Cr in turns: what the light adds, beside the gain about 128.
    shift, shift_c = np.empty(width, np.float32), np.empty(width, np.float32)
    away = np.empty(width, np.float32)
    rate, step = np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(turn, rows, turns):
        first, last = row * cell, min(row * cell + cell, height)
        # The columns from the first free cell to the last; most rows are all free or hardly so.
        start, end = columns, 0
        for c in range(columns):
            if free[row, c]:
                start, end = min(start, c), c + 1
        if start >= end:
            continue
        a, b = start * cell, min(end * cell, width)
        v = (first + last) * 0.5 / height
        # The map is far coarser than the cells: straight lines between every eighth.
        for c in range(start, end, 8):
            u, far = (c + 0.5) * cell / width, (c + 8.5) * cell / width
            for plane in range(3):
                here = np.float32(128) + light_at(light, plane, v, u)
                slope = np.float32(128) + light_at(light, plane, v, far) - here
                slope *= np.float32(0.125)
                for k in range(c, min(c + 8, end)):
                    value = here + slope * np.float32(k - c)
                    for x in range(k * cell, min(k * cell + cell, width), 2):
                        if plane == 0:
                            shift[x], shift[x + 1] = value, value
                        else:
                            shift_c[x + plane - 1] = value
        away[a:b] = np.float32(0)
        for line in range(first, last):
            _away_row(y[line, a:b], mean_y[line, a:b], shift[a:b], per_gain, away[a:b])
        for pair in range(first // 2, last // 2):
            _away_row(uv[pair, a:b], mean_uv[pair, a:b], shift_c[a:b], per_gain, away[a:b])
        for c in range(start, end):
            left, right = c * cell, min(c * cell + cell, width)
            speed, most = np.float32(0), np.float32(0)
            if free[row, c]:
                # Of the luma; the chroma's differences, half as many and rarer, count as well.
                total = np.float32(0)
                for x in range(left, right):
                    total += away[x]
                differs = total / np.float32((right - left) * (last - first))
                n = times[row, c]
                if n >= KNOWN:
                    seen[0] += 1
                if n == 0:
                    speed, most = np.float32(1), np.float32(255)
                    times[row, c], odd[row, c], spread[row, c] = 1, 0, np.float32(2)
                elif differs > _ODD + _ODD_NOISE * spread[row, c]:
                    if n < KNOWN:
                        times[row, c] = 0
                    else:
                        seen[1] += 1
                        odd[row, c] += 1
                        if odd[row, c] >= patience:
                            times[row, c], odd[row, c] = 0, 0
                else:
                    odd[row, c] = max(odd[row, c], 1) - 1
                    speed = max(np.float32(1) / np.float32(n + 1), _SLOWEST)
                    times[row, c] = min(n, 254) + 1
                    spread[row, c] += speed * (differs - spread[row, c])
                    most = _STEP + _STEP_NOISE * spread[row, c]
            for x in range(left, right):
                rate[x], step[x] = speed, most
        for line in range(first, last):
            _learn_row(
                y[line, a:b], mean_y[line, a:b], plate_y[line, a:b], shift[a:b], per_gain,
                rate[a:b], step[a:b],
            )  # fmt: skip
        for pair in range(first // 2, last // 2):
            _learn_row(
                uv[pair, a:b], mean_uv[pair, a:b], plate_uv[pair, a:b], shift_c[a:b], per_gain,
                rate[a:b], step[a:b],
            )  # fmt: skip


def learn(
    plate: Plate, frame: Frame, free: U8, light: F32, gain: float, turn: int, turns: int,
    patience: int = 45,
) -> tuple[int, int]:  # fmt: skip
    """Move the plate towards the frame in the free cells of one turn's rows.

    Args:
        plate: of the frame's size; changed in place.
        free: uint8 (rows, columns) of the plate's cells: above 0 where nobody is.
        light, gain: see ``plate_light.RoomLight``.
        turn: every ``turns``-th row of cells from this one on is looked at.
        patience: a known cell that was seen changed so many times is learnt anew, up to 255.

    Returns how many known cells it looked at, and how many of these have changed.

    Raises:
        ValueError: sizes differ.
    """
    if frame.rect != plate.picture.rect or free.shape != plate.times.shape:
        raise ValueError(
            f"cannot learn a plate of {plate.picture.width}x{plate.picture.height} and "
            f"{plate.times.shape} cells from a frame of {frame.width}x{frame.height} and "
            f"{free.shape} free cells: expected the same sizes"
        )
    seen = np.zeros(2, np.int64)
    _learn(
        frame.y, frame.uv_rows, plate.picture.y,
        plate.picture.uv_rows, plate.mean_y, plate.mean_uv,
        plate.times, plate.spread, plate.odd, free, light, np.float32(gain), plate.cell, turn,
        turns, patience, seen,
    )  # fmt: skip
    return int(seen[0]), int(seen[1])


@kernel(
    "void(uint8[:, ::1], float32[:, ::1], int64, int64, int64, int64, int64, int64, int64,"
    "float32[:, ::1])"
)
def _noise(
    times: U8, spread: F32, cell: int, x0: int, y0: int, width: int, height: int, start: int,
    end: int, out: F32,
) -> None:  # fmt: skip
    rows, columns = out.shape
    for j in range(start, end):
        top = int((y0 + j * height / rows) / cell)
        bottom = int((y0 + (j + 1) * height / rows - 1e-6) / cell)
        for i in range(columns):
            left = int((x0 + i * width / columns) / cell)
            right = int((x0 + (i + 1) * width / columns - 1e-6) / cell)
            most, known = np.float32(0), True
            for r in range(top, bottom + 1):
                for c in range(left, right + 1):
                    known = known and times[r, c] >= KNOWN
                    most = max(most, spread[r, c])
            out[j, i] = most if known else np.float32(-1)


def plate_noise(plate: Plate, rect: Rect, out: F32, start: int, end: int) -> None:
    """The plate's noise on a grid over ``rect``, for the grid's rows from ``start`` to ``end``.

    Args:
        rect: part of the frame. out: float32 (rows, columns), overwritten in those rows: the
            largest spread of the cells under each, 0..255; -1 where any of them is not known.
    """
    _noise(
        plate.times, plate.spread, plate.cell, rect.x, rect.y, rect.width, rect.height, start, end,
        out,
    )  # fmt: skip


@kernel("void(uint8[:, ::1], int64, int64, int64, int64, int64, int64, int64, uint8[:, ::1])")
def _free_cells(
    taken: U8, cell: int, x0: int, y0: int, width: int, height: int, turn: int, turns: int, out: U8
) -> None:  # fmt: skip
    rows, columns = taken.shape
    up, across = rows / height, columns / width
    for r in range(turn, out.shape[0], turns):
        top, bottom = r * cell - y0, (r + 1) * cell - y0
        if top + bottom < 0 or top + bottom >= 2 * height:
            continue
        first, last = max(int(top * up), 0), min(int((bottom - 0.01) * up), rows - 1)
        for c in range(out.shape[1]):
            left, right = c * cell - x0, (c + 1) * cell - x0
            if left + right < 0 or left + right >= 2 * width:
                continue
            start, end = max(int(left * across), 0), min(int((right - 0.01) * across), columns - 1)
            free = 1
            for j in range(first, last + 1):
                for i in range(start, end + 1):
                    if taken[j, i]:
                        free = 0
            out[r, c] = free


def free_cells(taken: U8, rect: Rect, cell: int, out: U8, turn: int = 0, turns: int = 1) -> None:
    """Mark the cells whose middle lies in ``rect``: 1 where nobody is, 0 where anybody may be.

    Args:
        taken: uint8 (rows, columns) of a grid over ``rect``: above 0 where somebody may be.
        cell: pixels of a cell's side. out: uint8 (rows, columns) of the frame's cells; one turn's
            rows are overwritten within ``rect``.
    """
    _free_cells(taken, cell, rect.x, rect.y, rect.width, rect.height, turn, turns, out)
