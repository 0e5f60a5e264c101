"""The affine warp's kernel: each row of the picture once across, then rows mixed down the canvas.

Most of a person is opaque and most of what is around them is empty. Blocks of the canvas' columns
are told apart by that: only the person's edge takes products and a division.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.matte import I32

U32 = NDArray[np.uint32]

_BLOCK = 32
_EMPTY, _OPAQUE, _EDGE = 0, 1, 2


@inline
def _mark_row(row: U8, first: int, last: int, marks: U8) -> None:
    """For each block of alpha: 1 if any of it is above 0, plus 2 if any is below 255."""
    for b in range(first, last + 1):
        some, every = np.uint8(0), np.uint8(255)
        block = row[b * _BLOCK : (b + 1) * _BLOCK]
        for i in range(block.shape[0]):
            some |= block[i]
            every &= block[i]
        marks[b] = np.uint8((1 if some > 0 else 0) + (2 if every < 255 else 0))


@inline
def _reach(places: U32, reach: int, most: int, out: I32) -> None:
    """The first and the last block of the picture that each block of the canvas is made of."""
    for j in range(out.shape[1]):
        stop = min((j + 1) * _BLOCK, places.shape[0])
        out[0, j] = int(np.int64(places[j * _BLOCK])) // _BLOCK
        out[1, j] = min(int(np.int64(places[stop - 1])) + reach, most) // _BLOCK


@inline
def _kind_row(marks: U8, other: U8, reach: I32, kinds: U8) -> None:
    """What the canvas' blocks of columns are, by the marks of one or two rows of alpha."""
    for j in range(kinds.shape[0]):
        mark = 0
        for b in range(reach[0, j], reach[1, j] + 1):
            mark |= marks[np.uint32(b)] | other[np.uint32(b)]
        kinds[j] = _EDGE if mark == 3 else (_OPAQUE if mark == 1 else _EMPTY)


@inline
def _stretch(kinds: U8, start: int) -> int:
    """The first block after ``start`` of another kind."""
    end = start + 1
    while end < kinds.shape[0] and kinds[end] == kinds[start]:
        end += 1
    return end


# Each in loops of its own, with unsigned places: signed ones may count from the end, which a
# compiler must ask for at each pixel, and then does not vectorise.
@inline
def _to_float(row: U8, out: F32) -> None:
    """Bytes as they are."""
    for i in range(row.shape[0]):
        out[i] = np.float32(row[i])


@inline
def _share_row(row: U8, out: F32) -> None:
    """Alpha of 0..255 as 0..1."""
    for i in range(row.shape[0]):
        out[i] = np.float32(row[i]) * np.float32(1 / 255)


@inline
def _mean_row(upper: U8, lower: U8, sums: F32, out: F32) -> None:
    """The mean of each 2x2 block of alpha, 0..1, written twice: once for Cb and once for Cr."""
    for i in range(upper.shape[0]):
        sums[i] = np.float32(np.int32(upper[i]) + np.int32(lower[i]))
    for i in range(upper.shape[0] // 2):
        mean = (sums[np.uint32(2 * i)] + sums[np.uint32(2 * i + 1)]) * np.float32(0.25 / 255)
        out[np.uint32(2 * i)] = mean
        out[np.uint32(2 * i + 1)] = mean


@inline
def _times(alpha: F32, colour: U8, out: F32) -> None:
    """Alpha times colour."""
    for i in range(colour.shape[0]):
        out[i] = alpha[i] * np.float32(colour[i])


@inline
def _sample_row(row: F32, after: F32, places: U32, share: F32, out: F32) -> None:
    """A row at the places wanted, mixed with the next value to the right."""
    for x in range(places.shape[0]):
        c = places[x]
        out[x] = row[c] + share[x] * (after[c] - row[c])


@inline
def _mix_bytes(upper: F32, lower: F32, t: np.float32, out: U8) -> None:
    """Two rows of colour, mixed, as bytes."""
    s = np.float32(1) - t
    for x in range(out.shape[0]):
        out[x] = np.uint8(np.int32(s * upper[x] + t * lower[x] + np.float32(0.5)))


@inline
def _mix_row(upper: F32, lower: F32, t: np.float32, out: F32) -> None:
    """Two rows, mixed."""
    s = np.float32(1) - t
    for x in range(out.shape[0]):
        out[x] = s * upper[x] + t * lower[x]


@inline
def _divide_row(product: F32, alpha: F32, out: U8) -> None:
    """Colour out of alpha times colour."""
    for x in range(out.shape[0]):
        value = product[x] / max(alpha[x], np.float32(4e-6))
        out[x] = np.uint8(np.int32(value + np.float32(0.5)))


@inline
def _weigh_row(alpha: F32, fx: F32, fy: np.float32, out: U8) -> None:
    """Alpha times the fade, as bytes."""
    weight = fy * np.float32(255)
    for x in range(out.shape[0]):
        out[x] = np.uint8(np.int32(alpha[x] * (fx[x] * weight) + np.float32(0.5)))


@inline
def _fade_row(fx: F32, fy: np.float32, out: U8) -> None:
    """The fade alone, as bytes."""
    weight = fy * np.float32(255)
    for x in range(out.shape[0]):
        out[x] = np.uint8(np.int32(fx[x] * weight + np.float32(0.5)))


@inline
def _across(
    colour: U8, upper: U8, lower: U8, step: int, kinds: U8, places: U32, share: F32, work: F32,
    alpha: F32, product: F32,
) -> None:  # fmt: skip
    """One row of the picture at the canvas' columns: alpha, and alpha times colour.

    ``step``: 1 for luma, under ``upper``; 2 for pairs of Cb and Cr, under the mean of both rows.
    """
    columns, j = colour.shape[0], 0
    while j < kinds.shape[0]:
        end = _stretch(kinds, j)
        x, stop = j * _BLOCK, min(end * _BLOCK, places.shape[0])
        left, right = (
            int(np.int64(places[x])),
            min(int(np.int64(places[stop - 1])) + step + 1, columns),
        )
        if kinds[j] == _EMPTY:
            alpha[x:stop] = np.float32(0)
            product[x:stop] = np.float32(0)
        else:
            p, a = work[0], work[1]
            if kinds[j] == _OPAQUE:
                _to_float(colour[left:right], p[left:right])
                alpha[x:stop] = np.float32(1)
            else:
                if step == 1:
                    _share_row(upper[left:right], a[left:right])
                else:
                    right += (right - left) & 1
                    _mean_row(upper[left:right], lower[left:right], work[2], a[left:right])
                _times(a[left:right], colour[left:right], p[left:right])
                for i in range(step):
                    a[right + i] = a[right + i - step]
                _sample_row(a, a[step:], places[x:stop], share[x:stop], alpha[x:stop])
            # The last column stands once more.
            for i in range(step):
                p[right + i] = p[right + i - step]
            _sample_row(p, p[step:], places[x:stop], share[x:stop], product[x:stop])
        j = end


@inline
def _down(
    alpha: F32, product: F32, first: int, t: np.float32, kinds: U8, mixed: F32, out: U8
) -> None:
    """Colour of a row of the canvas, of the two rows of which ``first`` is the upper one."""
    j, second = 0, 1 - first
    while j < kinds.shape[0]:
        end = _stretch(kinds, j)
        x, stop = j * _BLOCK, min(end * _BLOCK, out.shape[0])
        if kinds[j] == _OPAQUE:
            _mix_bytes(product[first, x:stop], product[second, x:stop], t, out[x:stop])
        elif kinds[j] == _EDGE:
            _mix_row(alpha[first, x:stop], alpha[second, x:stop], t, mixed[0, x:stop])
            _mix_row(product[first, x:stop], product[second, x:stop], t, mixed[1, x:stop])
            _divide_row(mixed[1, x:stop], mixed[0, x:stop], out[x:stop])
        j = end


@inline
def _show(kinds: U8, mixed: F32, fx: F32, fy: np.float32, out: U8) -> None:
    """Alpha of a row of the canvas."""
    j = 0
    while j < kinds.shape[0]:
        end = _stretch(kinds, j)
        x, stop = j * _BLOCK, min(end * _BLOCK, out.shape[0])
        if kinds[j] == _OPAQUE:
            _fade_row(fx[x:stop], fy, out[x:stop])
        elif kinds[j] == _EMPTY:
            out[x:stop] = np.uint8(0)
        else:
            _weigh_row(mixed[0, x:stop], fx[x:stop], fy, out[x:stop])
        j = end


@inline
def _join(first: U8, second: U8, out: U8) -> None:
    """What two rows together are."""
    for j in range(out.shape[0]):
        out[j] = first[j] if first[j] == second[j] else _EDGE


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], int64,"
    "int64, uint32[::1], float32[::1], float32[::1], int32[::1], float32[::1], float32[::1],"
    "uint32[::1], float32[::1], int32[::1], float32[::1])"
)
def warp(
    fg_y: U8, fg_uv: U8, fg_alpha: U8, out_y: U8, out_uv: U8, out_alpha: U8, x0: int, y0: int,
    column: U32, share: F32, fx: F32, row: I32, down: F32, fy: F32, pairs: U32, share_c: F32,
    row_c: I32, down_c: F32,
) -> None:  # fmt: skip
    """Warp colour and alpha; where there is nobody, no colour is written.

    Args:
        fg_uv, out_uv: chroma as rows of Cb, Cr, Cb, Cr ...
        x0, y0: where the part that is written begins.
        column, row: for each of its columns and rows the first of the two that are mixed.
        share, down: the second one's share. fx, fy: how much of alpha shows there.
        pairs, share_c, row_c, down_c: the same for the samples of chroma.
    """
    rows, columns = fg_y.shape
    wide, most = column.shape[0], columns - 1
    blocks = -(-wide // _BLOCK)
    first = min(int(np.int64(column[0])), int(np.int64(pairs[0]))) // _BLOCK
    last = min(max(int(np.int64(column[-1])) + 1, int(np.int64(pairs[-1])) + 3), most) // _BLOCK
    marks = np.zeros((rows, last + 1), np.uint8)
    reach, reach_c = np.empty((2, blocks), np.int32), np.empty((2, blocks), np.int32)
    _reach(column, 1, most, reach)
    _reach(pairs, 3, most, reach_c)
    kinds, kinds_c = np.empty((2, blocks), np.uint8), np.empty((2, blocks), np.uint8)
    kind = np.empty(blocks, np.uint8)
    work, mixed = np.empty((3, columns + 3), np.float32), np.empty((2, wide), np.float32)
    # Rows k and k + 1 of the picture are in places k & 1 and 1 - (k & 1).
    alpha, product = np.zeros((2, wide), np.float32), np.zeros((2, wide), np.float32)
    alpha_c, product_c = np.zeros((2, wide), np.float32), np.zeros((2, wide), np.float32)
    marked, ready, ready_c = min(int(row[0]), 2 * int(row_c[0])), -1, -1
    for pair in range(row_c.shape[0]):
        for y in range(2 * pair, 2 * pair + 2):
            k = int(row[y])
            n = min(k + 1, rows - 1)
            for r in range(marked, n + 1):
                _mark_row(fg_alpha[r], first, last, marks[r])
            marked = max(marked, n + 1)
            for r in range(max(k, ready), n + 1):
                at = r & 1
                _kind_row(marks[r], marks[r], reach, kinds[at])
                _across(
                    fg_y[r], fg_alpha[r], fg_alpha[r], 1, kinds[at], column, share, work,
                    alpha[at], product[at],
                )  # fmt: skip
            ready = n + 1
            t, at = (down[y] if n > k else np.float32(0)), k & 1
            _join(kinds[at], kinds[1 - at if n > k else at], kind)
            _down(alpha, product, at, t, kind, mixed, out_y[y0 + y, x0 : x0 + wide])
            _show(kind, mixed, fx, fy[y], out_alpha[y0 + y, x0 : x0 + wide])
        k = int(row_c[pair])
        n = min(k + 1, rows // 2 - 1)
        for r in range(marked, 2 * n + 2):
            _mark_row(fg_alpha[r], first, last, marks[r])
        marked = max(marked, 2 * n + 2)
        for r in range(max(k, ready_c), n + 1):
            at = r & 1
            _kind_row(marks[2 * r], marks[2 * r + 1], reach_c, kinds_c[at])
            _across(
                fg_uv[r], fg_alpha[2 * r], fg_alpha[2 * r + 1], 2, kinds_c[at], pairs, share_c,
                work, alpha_c[at], product_c[at],
            )  # fmt: skip
        ready_c = n + 1
        t, at = (down_c[pair] if n > k else np.float32(0)), k & 1
        _join(kinds_c[at], kinds_c[1 - at if n > k else at], kind)
        _down(alpha_c, product_c, at, t, kind, mixed, out_uv[y0 // 2 + pair, x0 : x0 + wide])
