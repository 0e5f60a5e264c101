"""Where a matte holds nobody, somebody or an edge: found on its grid, per cell of four points.

Most of a picture is one or the other. There the composite is a copy, and only the cells between are
worth arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.matte import I32, U32, U64

BELOW, ABOVE, BETWEEN = np.uint8(1), np.uint8(2), np.uint8(3)
"""Alpha is 0 throughout; 1 throughout; anything. Of two places together: the bits of both."""
# Pixels of a vector, less one.
_REST = 31


@dataclass(frozen=True, slots=True)
class Grid:
    """How a grid lies over an ROI's pixels, for one size of both and one feather.

    A cell lies between two neighbouring grid points of a row and those below; there is one less of
    them than of points each way (but at least one), and at the border they reach to the edge.

    Attributes:
        columns: int32 (cells across + 1): the pixel at which each begins, and the end.
        first: uint32 (width): of each pixel, the left one of its two grid points.
        share: float32 (width): the right one's share, 0..1.
        first_c, share_c: the same of each chroma sample, (width / 2).
        faint_rows, faint_columns: uint8 (cells): ``BELOW`` where the feather is under 1, else 0.
    """

    columns: I32
    first: U32
    share: F32
    first_c: U32
    share_c: F32
    faint_rows: U8
    faint_columns: U8


def _places(points: int, pixels: int) -> tuple[U32, F32]:
    """The first of the two grid points around each pixel (centres at .5), the second's share."""
    at = (np.arange(pixels, dtype=np.float32) + np.float32(0.5)) * np.float32(points / pixels)
    at = np.clip(at - np.float32(0.5), 0, points - 1)
    first = np.minimum(at.astype(np.uint32), max(points - 2, 0))
    return np.asarray(first, np.uint32), np.asarray(at - first, np.float32)


def _faint(first: U32, feather: F32, cells: int) -> U8:
    faint = np.zeros(cells, np.uint8)
    faint[first[feather < 1]] = BELOW
    return faint


def lay_grid(shape: tuple[int, int], fx: F32, fy: F32) -> Grid:
    """Lay a grid (rows, columns) over an ROI whose feather is ``fx`` and ``fy`` (``feather``)."""
    rows, columns = shape
    width = fx.shape[0]
    cells = max(columns - 1, 1)
    first, share = _places(columns, width)
    first_c, share_c = _places(columns, width // 2)
    begins = np.searchsorted(first, np.arange(cells + 1)).astype(np.int32)
    down, _ = _places(rows, fy.shape[0])
    return Grid(
        begins, first, share, first_c, share_c, _faint(down, fy, max(rows - 1, 1)),
        _faint(first, fx, cells),
    )  # fmt: skip


@kernel(
    "void(float32[:, ::1], float32[:, ::1], float32, float32, uint8[::1], uint8[::1],uint8[:, ::1])"
)
def _kinds(
    a: F32, b: F32, low: np.float32, high: np.float32, faint_rows: U8, faint_columns: U8, out: U8
) -> None:
    rows, columns = a.shape
    points = np.empty((2, columns + 1), np.uint8)
    white = np.float32(255)
    for j in range(rows):
        here = points[j & 1]
        for i in range(columns):
            one, other = b[j, i], b[j, i] + white * a[j, i]
            # Written so that with a NaN both are true.
            shows = not (max(one, other) <= low)
            hides = not (min(one, other) >= high)
            here[i] = np.uint8(2) * np.uint8(shows) | np.uint8(hides)
        here[columns] = here[columns - 1]
        if j == 0 and rows > 1:
            continue
        above = points[(j - 1) & 1] if j else here
        line = out[max(j - 1, 0)]
        for i in range(line.shape[0]):
            line[i] = here[i] | here[i + 1] | above[i] | above[i + 1]
        for i in range(line.shape[0]):
            # Where the feather is under 1, all of the person is not all of the picture.
            if line[i] & ABOVE:
                line[i] |= faint_columns[i] | faint_rows[max(j - 1, 0)]


def find_kinds(coefficients: F32, levels: float, grid: Grid) -> U8:
    """What each cell holds: ``BELOW``, ``ABOVE`` or ``BETWEEN``, uint8 (cells down, across).

    alpha is a*Y + b with Y in 0..255, interpolated between grid points: where both ends of that
    range are at most ``levels`` at all four points, it is 0 for any Y, and likewise for 1.

    Args:
        coefficients: float32 (2 or more, rows, columns): a and b; see ``Matte``.
        levels: see ``Matte``.
    """
    out = np.empty((grid.faint_rows.shape[0], grid.faint_columns.shape[0]), np.uint8)
    low, high = np.float32(levels + 1e-6), np.float32(1 - levels)
    _kinds(coefficients[0], coefficients[1], low, high, grid.faint_rows, grid.faint_columns, out)
    return out


@inline
def find_runs(kinds: U8, columns: I32, steps: U8, words: U64, out: I32) -> int:
    """The runs of pixels of one kind in a row of cells; returns how many there are.

    An edge's runs reach out to whole vectors; so all begin and end there, or with the row.

    Args:
        kinds: uint8 (cells). columns: see ``Grid``.
        steps: scratch, uint8, 0 from (cells) on; words: the same memory by eights.
        out: int32 (cells, 3): kind, first pixel, end.
    """
    cells, last = kinds.shape[0], columns[kinds.shape[0]]
    for c in range(cells - 1):
        steps[c] = kinds[c] ^ kinds[c + 1]
    steps[cells - 1] = np.uint8(1)
    start, count, done = 0, 0, 0
    for w in range(words.shape[0]):
        if words[w] == 0:
            continue
        for c in range(8 * w, 8 * w + 8):
            if steps[c] == 0:
                continue
            kind, left, right = kinds[c], columns[start], columns[c + 1]
            start = c + 1
            if kind == BETWEEN:
                left, right = left & ~_REST, min((right + _REST) & ~_REST, last)
            else:
                left = (left + _REST) & ~_REST
                right = right & ~_REST if right < last else last
            left = max(left, done)
            if left < right:
                out[count, 0], out[count, 1], out[count, 2] = np.int32(kind), left, right
                count, done = count + 1, right
    return count


@inline
def join_rows(kinds: U8, first: int, end: int, out: U8) -> None:
    """What each cell of several rows holds together."""
    for c in range(out.shape[0]):
        out[c] = kinds[first, c]
    for k in range(first + 1, end):
        for c in range(out.shape[0]):
            out[c] |= kinds[k, c]
