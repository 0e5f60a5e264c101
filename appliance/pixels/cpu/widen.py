"""The grid's coefficients at pixels: along rows here; the composite goes on from row to row."""

from __future__ import annotations

from appliance.media.frame import F32
from appliance.pixels.cpu.jit import inline
from appliance.pixels.cpu.matte import I32, U32
from appliance.pixels.cpu.spans import BETWEEN


@inline
def _widen(left: F32, right: F32, first: U32, share: F32, out: F32) -> None:
    """A row of the grid at pixels: between the points at ``first`` and their neighbours."""
    for i in range(out.shape[0]):
        k = first[i]
        out[i] = left[k] + share[i] * (right[k] - left[k])


@inline
def _widen_pairs(
    left: F32, right: F32, other: F32, other_right: F32, first: U32, share: F32, out: F32
) -> None:
    """Two planes in turns, as Cb and Cr lie."""
    for i in range(first.shape[0]):
        k = first[i]
        out[2 * i] = left[k] + share[i] * (right[k] - left[k])
        out[2 * i + 1] = other[k] + share[i] * (other_right[k] - other[k])


@inline
def widen_row(
    row: F32, runs: I32, count: int, first: U32, share: F32, first_c: U32, share_c: F32,
    shifted: bool, wide: F32,
) -> None:  # fmt: skip
    """One row of the grid, (5, columns), at an edge's pixels: a, b, F-B of Y, of Cb and Cr."""
    # With a single column, that is its own neighbour.
    next_one = min(row.shape[1] - 1, 1)
    right = row[:, next_one:]
    for run in range(count):
        kind, a, b = runs[run]
        if kind != BETWEEN:
            continue
        for p in range(3 if shifted else 2):
            _widen(row[p], right[p], first[a:b], share[a:b], wide[p, a:b])
        if shifted:
            c, d = a // 2, b // 2
            _widen_pairs(
                row[3], right[3], row[4], right[4], first_c[c:d], share_c[c:d], wide[3, a:b]
            )
