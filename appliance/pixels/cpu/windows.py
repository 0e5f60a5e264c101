"""Sums over square windows, only in those parts of a grid that want them.

A plane is gone through in bands of ``BAND`` rows (more where windows are large), each in cells of
``CELL`` columns; ``survey`` says which cells want something, and adjoining ones are one run. For a
run the rows of several planes lie end to end, so that one loop goes through all of them. Within a
band sums slide down, from a fresh start in each: rounding errors do not grow. Borders are reflected
as ``cv2.blur`` does, the outermost pixel not doubled.

Indices are unsigned where a loop is to be vectorised: a signed one may count from the end, which
would be decided for each element. What a run is padded with is junk, and so are sums of it.
"""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.jit import inline, kernel

BAND, CELL = 8, 16
NONE, ALL, LITTLE, FULL = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8)
"""What ``survey`` notes: alpha is 0; it is 1; alpha**4, (1 - alpha)**4 are at most 0.001."""

# In rows and in columns that share a mark.
_STEP = 4
_VECTOR = 16
# A hair less, since means are rounded: what is not marked is looked at closely, no more.
_SMALL = np.float32(0.999e-3)


@inline
def reflected(index: int, count: int) -> int:
    """The row or column that stands for one beyond the border."""
    if count == 1:
        return 0
    while index < 0 or index >= count:
        index = -index if index < 0 else 2 * (count - 1) - index
    return index


@inline
def _extremes(plane: F32, top: int, bottom: int, low: F32, high: F32) -> None:
    """The least and the most of each column in some rows."""
    columns = np.uint64(plane.shape[1])
    for i in range(columns):
        low[i] = plane[top, i]
    for i in range(columns):
        high[i] = plane[top, i]
    for j in range(top + 1, bottom):
        for i in range(columns):
            low[i] = plane[j, i] if plane[j, i] < low[i] else low[i]
        for i in range(columns):
            high[i] = plane[j, i] if plane[j, i] > high[i] else high[i]


@kernel("void(float32[:, ::1], uint8[:, ::1])")
def _survey(alpha: F32, marks: U8) -> None:
    rows, columns = alpha.shape
    low, high = np.empty(columns, np.float32), np.empty(columns, np.float32)
    flags = np.full(columns + _STEP, 255, np.uint8)
    pairs = np.full(columns + _STEP, 255, np.uint8)
    zero, one, next, after = np.float32(0), np.float32(1), np.uint64(1), np.uint64(2)
    for q in range(marks.shape[0]):
        _extremes(alpha, q * _STEP, min((q + 1) * _STEP, rows), low, high)
        for i in range(np.uint64(columns)):
            most, rest = high[i] * high[i], (one - low[i]) * (one - low[i])
            none, all = (low[i] == zero) & (high[i] == zero), (low[i] == one) & (high[i] == one)
            little, full = most * most < _SMALL, rest * rest < _SMALL
            flags[i] = none * NONE + all * ALL + little * LITTLE + full * FULL
        for i in range(np.uint64(columns)):
            pairs[i] = flags[i] & flags[i + next]
        for i in range(np.uint64(columns)):
            marks[q, i] = pairs[i] & pairs[i + after]


def survey(alpha: F32) -> U8:
    """What parts of a matte, float32 (rows, columns), 0..1, have in common; for ``agree``.

    uint8 (a quarter of the rows, columns): what holds for the four rows, and for four columns from
    this one on, as bits.
    """
    marks = np.empty((-(-alpha.shape[0] // _STEP), alpha.shape[1]), np.uint8)
    _survey(alpha, marks)
    return marks


@inline
def agree(marks: U8, top: int, bottom: int, start: int, end: int) -> np.uint8:
    """The marks that all of a window has; it may reach beyond the borders."""
    common = np.uint8(255)
    for q in range(max(top, 0) // _STEP, min((bottom - 1) // _STEP + 1, marks.shape[0])):
        for i in range(max(start, 0), min(end, marks.shape[1]), _STEP):
            common &= marks[q, i]
    return common


@inline
def pitch_of(width: int) -> int:
    """The room that a run takes in a row: whole vectors, as the rest of a loop is done singly."""
    return (width + _VECTOR - 1) // _VECTOR * _VECTOR


@inline
def load(planes: F32, k: int, row: int, start: int, width: int, into: F32, at: int) -> None:
    """``width`` columns of a row of a plane, from ``start`` on, which may be beyond the border."""
    columns = planes.shape[2]
    first, last = max(start, 0), min(start + width, columns)
    shift, begin = np.uint64(at + first - start), np.uint64(first)
    for i in range(np.uint64(last - first)):
        into[shift + i] = planes[k, row, begin + i]
    for i in range(start, 0):
        into[at + i - start] = planes[k, row, reflected(i, columns)]
    for i in range(columns, start + width):
        into[at + i - start] = planes[k, row, reflected(i, columns)]


@inline
def slide(lines: F32, line: int, side: int, length: int, sums: F32) -> None:
    """Sums of ``side`` lines, 3 or more, from ``line`` on; of those from the one above before."""
    count = np.uint64(length)
    if line == 0:
        for i in range(count):
            sums[i] = lines[0, i] + lines[1, i] + lines[2, i]
        for j in range(3, side):
            for i in range(count):
                sums[i] += lines[j, i]
    else:
        above, below = line - 1, line + side - 1
        for i in range(count):
            sums[i] += lines[below, i] - lines[above, i]


@inline
def across(sums: F32, side: int, length: int, part: F32, out: F32) -> None:
    """Sums of ``side`` elements from each on; ``part``: float32 (2, more than ``length``)."""
    one, two, count = np.uint64(1), np.uint64(2), np.uint64(length)
    if side == 3:
        for i in range(count):
            out[i] = sums[i] + sums[i + one] + sums[i + two]
        return
    if side == 9:
        three, six = np.uint64(3), np.uint64(6)
        for i in range(count):
            part[0, i] = sums[i] + sums[i + one] + sums[i + two]
        for i in range(count):
            out[i] = part[0, i] + part[0, i + three] + part[0, i + six]
        return
    for i in range(count):
        out[i] = sums[i]
    for i in range(count):
        part[0, i] = sums[i] + sums[i + one]
    # By doubling: sums of 2, 4, 8, ... elements, of which each is taken that ``side`` has as a bit.
    done, width, rest, now = 1, 2, side >> 1, 0
    while rest:
        off = np.uint64(done)
        if rest & 1:
            for i in range(count):
                out[i] += part[now, off + i]
            done += width
        rest >>= 1
        if rest:
            off = np.uint64(width)
            for i in range(count):
                part[1 - now, i] = part[now, i] + part[now, i + off]
            now, width = 1 - now, 2 * width
