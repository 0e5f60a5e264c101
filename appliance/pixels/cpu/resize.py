"""Resize: one plane's part to a grid, down by the mean under each cell, up by interpolation.

Down a plane first: the rows that lie in one cell are added up as 16-bit integers, of which a vector
holds many; those between two cells are shared out. Then across, eight lines at once. Each row of
the picture is read once. A geometry's tables are kept.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.lanes import LANES, prefetch, weighted_sum

U16 = NDArray[np.uint16]
I32 = NDArray[np.int32]
W = np.uint16

# Whole rows in a cell: 255 times as many fit 16 bits, and one more does.
_STEEPEST = 256
# Grid columns for which lines are turned at once: their samples stay in the first-level cache.
_CHUNK = 64


# W around each step keeps LLVM from widening it to 32 or 64 bits.
@inline
def _add_four(a: U8, b: U8, c: U8, d: U8, total: U16) -> None:
    for i in range(total.shape[0]):
        total[i] = W(total[i] + W(W(a[i]) + W(b[i]) + W(c[i]) + W(d[i])))


@inline
def _add_two(a: U8, b: U8, total: U16) -> None:
    for i in range(total.shape[0]):
        total[i] = W(total[i] + W(W(a[i]) + W(b[i])))


@inline
def _add_one(a: U8, total: U16) -> None:
    for i in range(total.shape[0]):
        total[i] = W(total[i] + W(a[i]))


@inline
def _share(row: U8, share: np.float32, total: U16, up: F32, on: F32) -> None:
    """A row that lies in two cells: ``up`` gets its share and whole rows, ``on`` begins with it."""
    rest = np.float32(1) - share
    for i in range(up.shape[0]):
        v = np.float32(row[i])
        up[i] += np.float32(total[i]) + share * v
        on[i] = rest * v


@inline
def _mix(a: U8, b: U8, share: np.float32, line: F32) -> None:
    for i in range(line.shape[0]):
        v = np.float32(a[i])
        line[i] = v + share * (np.float32(b[i]) - v)


@inline
def _turn(lines: F32, span: int, first: int, last: int, out: F32) -> None:
    """Eight rows side by side, from the first sample to before the last, in groups of eight."""
    rows = lines[first:]
    a, b, c, d = rows, rows[span:], rows[2 * span :], rows[3 * span :]
    e, f, g, h = rows[4 * span :], rows[5 * span :], rows[6 * span :], rows[7 * span :]
    for x in range(last - first):
        i = 8 * x
        out[i], out[i + 1], out[i + 2], out[i + 3] = a[x], b[x], c[x], d[x]
        out[i + 4], out[i + 5], out[i + 6], out[i + 7] = e[x], f[x], g[x], h[x]


@inline
def _turn_back(groups: F32, out: F32) -> None:
    """The other way round, to the eight rows of ``out``."""
    a, b, c, d, e, f, g, h = out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]
    for x in range(a.shape[0]):
        i = 8 * x
        a[x], b[x], c[x], d[x] = groups[i], groups[i + 1], groups[i + 2], groups[i + 3]
        e[x], f[x], g[x], h[x] = groups[i + 4], groups[i + 5], groups[i + 6], groups[i + 7]


@kernel(
    "void(uint8[:, :], int64, int64, int64, boolean, int32[::1], float32[::1],"
    "int32[::1], float32[::1], int64, float32[:, :, ::1], int64, int64,"
    "uint16[::1], float32[::1], float32[::1], float32[::1])"
)
def _resize(
    plane: U8, x0: int, y0: int, width: int, grows: bool, rows: I32, shares: F32,
    columns: I32, weights: F32, taps: int, out: F32, start: int, end: int,
    total: U16, lines: F32, turned: F32, groups: F32,
) -> None:  # fmt: skip
    channels, across = out.shape[0], columns.shape[0]
    span = width * channels
    left = x0 * channels
    right = left + span
    bottom = y0 + rows[rows.shape[0] - 1]
    total = total[:span]
    total[:] = 0
    carried = lines[8 * span : 9 * span]
    if not grows:
        _share(plane[y0 + rows[start], left:right], shares[start], total, lines[:span], carried)
    for top in range(start, end, 8):
        count = min(8, end - top)
        # Not lines[:span] = carried: that brings numba's run time with it.
        for i in range(span):
            lines[i] = carried[i]
        for r in range(count):
            line = lines[r * span : (r + 1) * span]
            first, stop = y0 + rows[top + r], y0 + rows[top + r + 1]
            if grows:
                share = shares[top + r]
                below = first + 1 if share > 0 else first
                _mix(plane[first, left:right], plane[below, left:right], share, line)
                continue
            total[:] = 0
            i = first + 1
            while i + 3 < stop:
                _add_four(
                    plane[i, left:right], plane[i + 1, left:right], plane[i + 2, left:right],
                    plane[i + 3, left:right], total,
                )  # fmt: skip
                i += 4
            if i + 1 < stop:
                _add_two(plane[i, left:right], plane[i + 1, left:right], total)
                i += 2
            if i < stop:
                _add_one(plane[i, left:right], total)
            # At the end there is no row to share: its share is 0.
            row = plane[min(stop, bottom - 1), left:right]
            _share(row, shares[top + r + 1], total, line, lines[(r + 1) * span : (r + 2) * span])
        # Across is arithmetic alone: meanwhile the rows of the next eight lines come in.
        ahead = y0 + rows[min(top + 8, end)] + 1
        fetches = min(y0 + rows[min(top + 16, end)] + 1, bottom) - ahead
        portions = (across + _CHUNK - 1) // _CHUNK
        for portion in range(portions):
            k0, k1 = portion * _CHUNK, min((portion + 1) * _CHUNK, across)
            x = columns[k0]
            _turn(lines, span, x * channels, min(columns[k1 - 1] + taps, width) * channels, turned)
            fetch, until = portion * fetches // portions, (portion + 1) * fetches // portions
            for k in range(k0, k1):
                if fetch < until:
                    for near in range(left, right, 64):
                        prefetch(plane, ahead + fetch, near)
                    fetch += 1
                for c in range(channels):
                    weighted_sum(
                        turned, 8 * ((columns[k] - x) * channels + c), 8 * channels,
                        weights, k * taps, taps, groups, 8 * (c * across + k),
                    )  # fmt: skip
        for c in range(channels):
            own = groups[8 * c * across : 8 * (c + 1) * across]
            if count == 8:
                _turn_back(own, out[c, top : top + 8])
            else:
                for r in range(count):
                    for k in range(across):
                        out[c, top + r, k] = own[8 * k + r]


class _Rows(NamedTuple):
    """How lines come of a part's rows, see ``_resize``."""

    first: I32
    shares: F32


class _Columns(NamedTuple):
    """How a line's grid pixels come of its pixels: ``taps`` weights from ``first`` on."""

    first: I32
    weights: F32
    taps: int


def _borders(length: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where cells begin, and the last one ends: whole pixels, and what is over in 1/cells."""
    at = np.arange(cells + 1, dtype=np.int64) * length
    return np.divmod(at, cells)


def _between(length: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The pixel before each cell's middle, and the weight of the next, pixel centres at .5."""
    at = np.clip((np.arange(cells) + 0.5) * (length / cells) - 0.5, 0, length - 1)
    first = np.minimum(at.astype(np.int64), max(length - 2, 0))
    return first, at - first


@lru_cache(64)
def _rows(length: int, cells: int, grows: bool) -> _Rows:
    if grows:
        first, shares = _between(length, cells)
        first = np.append(first, length)
    else:
        first, over = _borders(length, cells)
        shares = over / cells
    return _Rows(first.astype(np.int32), shares.astype(np.float32))


@lru_cache(64)
def _columns(length: int, cells: int, step: float, grows: bool) -> _Columns:
    """``step``: how many rows a line is the sum of."""
    if grows:
        first, share = _between(length, cells)
        weights = np.column_stack((1 - share, share)) / step
    else:
        borders, over = _borders(length, cells)
        first = borders[:-1]
        taps = int((borders[1:] + (over[1:] > 0) - first).max())
        left = np.arange(taps) - (over[:-1] / cells)[:, None]
        weights = np.minimum(left + 1, length / cells) - np.maximum(left, 0)
        weights = np.maximum(weights, 0) * (cells / length / step)
    return _Columns(first.astype(np.int32), weights.astype(np.float32).ravel(), weights.shape[1])


class _Scratch(threading.local):
    """Memory of one thread, for the widest part so far."""

    def __init__(self) -> None:
        self._span = self._across = 0

    def of(self, span: int, across: int) -> tuple[U16, F32, F32, F32]:
        """For lines of ``span`` samples with taps beyond, and ``across`` sums of eight."""
        if span > self._span or across > self._across:
            self._span, self._across = max(span, self._span), max(across, self._across)
            # What lies beyond a part's end is read, too, with a weight of 0.
            self._arrays = (
                np.zeros(self._span, np.uint16),
                np.zeros((LANES + 1) * self._span, np.float32),
                np.zeros(LANES * self._span, np.float32),
                np.zeros(LANES * self._across, np.float32),
            )
        return self._arrays


_scratch = _Scratch()


def resize_plane(plane: U8, rect: Rect, out: F32, part: tuple[int, int] | None = None) -> None:
    """Area mean where the part shrinks, bilinear (half-pixel centres) where it grows.

    Args:
        plane: uint8 (rows, columns * channels), any strides.
        rect: inside it, in pixels.
        out: float32 (channels, rows, columns), overwritten; 0..255.
        part: at least the rows from the first to before the second; None: all of them.
    """
    channels, rows, columns = out.shape
    start, end = part or (0, rows)
    if start >= end:
        return
    if not out.flags.c_contiguous:
        dense = np.empty(out.shape, np.float32)
        resize_plane(plane, rect, dense, part)
        out[:, start:end] = dense[:, start:end]
        return
    grows = rect.height < rows or rect.width < columns
    if not grows and rect.height > _STEEPEST * rows:
        _steep(plane, rect, out)
        return
    down = _rows(rect.height, rows, grows)
    across = _columns(rect.width, columns, 1.0 if grows else rect.height / rows, grows)
    span = (rect.width + across.taps) * channels
    total, lines, turned, groups = _scratch.of(span, columns * channels)
    _resize(
        plane, rect.x, rect.y, rect.width, grows, down.first, down.shares, across.first,
        across.weights, across.taps, out, start, end, total, lines, turned, groups,
    )  # fmt: skip


def _steep(plane: U8, rect: Rect, out: F32) -> None:
    """More rows to a cell than 16 bits can weigh: nothing that a frame's path needs."""
    channels, rows, columns = out.shape
    cut = plane[rect.y : rect.bottom, rect.x * channels : rect.right * channels]
    cut = cut.reshape(rect.height, rect.width, channels).astype(np.float32)
    sized = cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA)
    out[:] = np.moveaxis(sized.reshape(rows, columns, channels), 2, 0)
