"""Parts of the kernels that put the person into new light: what they do with a row of pixels."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.jit import inline

CHUNK = 64
"""Columns of luma that are looked at together: where none of them shows anything of the person, or
none is near an edge, the work on them is left out."""


# As in rows.py, short passes over few arrays each: no loop needs many checks that they do not
# overlap, and none reads every second element, so that all of them are vectorised.
@inline
def _floats(row: U8, out: F32) -> None:
    for i in range(row.shape[0]):
        out[i] = np.float32(row[i])


@inline
def _halves(upper: U8, lower: U8, out: F32) -> None:
    for i in range(upper.shape[0]):
        out[i] = np.float32(0.25) * np.float32(np.int32(upper[i]) + np.int32(lower[i]))


@inline
def _swapped(row: F32, out: F32) -> None:
    """Each two neighbours in the other order."""
    for i in range(row.shape[0] // 2):
        out[2 * i] = row[2 * i + 1]
        out[2 * i + 1] = row[2 * i]


@inline
def _two(p: F32, a: F32, q: F32, b: F32, c: np.float32, out: F32) -> None:
    for i in range(p.shape[0]):
        out[i] = a[i] * p[i] + b[i] * q[i] + c


@inline
def _three(luma: F32, swapped: F32, d: F32, e: F32, out: F32) -> None:
    for i in range(luma.shape[0]):
        out[i] = out[i] + (luma[i] + swapped[i]) * d[i] + e[i]


@inline
def _byte(value: F32, out: U8) -> None:
    for i in range(value.shape[0]):
        out[i] = np.uint8(np.int32(min(max(value[i], np.float32(0)), np.float32(255))))


@inline
def _gained(row: U8, gain: np.float32, add: F32) -> None:
    """Gain * row + add, in place; rounding is in ``add``."""
    for i in range(row.shape[0]):
        value = min(max(gain * np.float32(row[i]) + add[i], np.float32(0)), np.float32(255))
        row[i] = np.uint8(np.int32(value))


@inline
def map_rows(
    y0: U8, y1: U8, uv: U8, gain: np.float32, add: np.float32, by: F32, own: F32, other: F32,
    luma: F32, swapped: F32,
) -> None:  # fmt: skip
    """Two rows of luma and the row of chroma between them through the matrix in ``by``."""
    n = y0.shape[0]
    _floats(uv, own)
    _swapped(own, other)
    _halves(y0, y1, luma)
    _swapped(luma, swapped)
    _three_of = by[4, :n]
    out = by[6, :n]
    _two(own, by[2, :n], other, by[3, :n], np.float32(0), out)
    _three(luma, swapped, _three_of, by[5, :n], out)
    _byte(out, uv)
    _two(own, by[0, :n], other, by[1, :n], add, luma)
    _gained(y0, gain, luma)
    _gained(y1, gain, luma)


@inline
def alternate(m: F32, by: F32) -> None:
    """The matrix's elements for Cb and Cr in turn, as they stand in a row of chroma."""
    half = np.float32(0.5)
    for x in range(0, by.shape[1], 2):
        for i in range(2):
            by[0, x + i] = m[0, 1 + i]
            by[1, x + i] = m[0, 2 - i]
            by[2, x + i] = m[1 + i, 1 + i]
            by[3, x + i] = m[1 + i, 2 - i]
            by[4, x + i] = m[1 + i, 0]
            by[5, x + i] = m[1 + i, 3] + half


@inline
def shares_row(alpha: U8, out: F32) -> None:
    """Alpha, 0..255, as 0..1 / 255: it weighs a share of 0..255."""
    for i in range(alpha.shape[0]):
        out[i] = np.float32(alpha[i]) * np.float32(1 / (255 * 255))


@inline
def wrap_row(
    front: U8, weight: F32, s0: U8, s1: U8, b0: U8, b1: U8, t: np.float32, share: F32
) -> None:  # fmt: skip
    """One row of one plane: F += weight * share * (B - F)."""
    for i in range(front.shape[0]):
        first = np.float32(s0[i])
        share[i] = weight[i] * (first + t * (np.float32(s1[i]) - first))
    for i in range(front.shape[0]):
        light = np.float32(b0[i])
        light += t * (np.float32(b1[i]) - light)
        own = np.float32(front[i])
        front[i] = np.uint8(np.int32(own + share[i] * (light - own) + np.float32(0.5)))


@inline
def empty(upper: U8, lower: U8) -> bool:
    """Whether two pieces of rows of alpha hold nothing of a person."""
    total = np.int32(0)
    for i in range(upper.shape[0]):
        total += np.int32(upper[i]) + np.int32(lower[i])
    return bool(total == 0)


@inline
def near(share: U8) -> bool:
    """Whether any light comes round in a piece of a row; its neighbours are never far apart."""
    total = np.int32(0)
    for i in range(0, share.shape[0], 4):
        total += np.int32(share[i])
    return bool(total != 0)
