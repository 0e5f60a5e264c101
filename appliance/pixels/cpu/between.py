"""The person at a time between two frames, or soon after both, over a background of that time.

Only the person moves: what is behind is drawn for its own time, so nothing that was hidden has to
be invented. Colours are weighed by alpha before they are moved and mixed (premultiplied), so that
what a layer holds where nobody is has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.layer import NOWHERE, PersonLayer
from appliance.pixels.cpu.matte import I32

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

# Positions are rounded to sixteenths of a pixel, so that all weights of a sample make 256.
_PARTS = 16


@dataclass(frozen=True, slots=True)
class Weighed:
    """A person's layer with its colours weighed by alpha, packed to be read in one go.

    Attributes:
        luma: uint32 (height + 1, width): alpha, 0..255, from bit 16; alpha x luma / 255 below.
        chroma: uint64 (height / 2 + 1, width / 2): the mean alpha of four pixels from bit 32, this
            x Cr from bit 16, this x Cb below. The last row of both is read with weight 0 only.
        spans: int32 (height / 2, 2): first and last column, exclusive, of each two rows in which
            alpha may be above 0; the same twice for none.
    """

    luma: U32
    chroma: U64
    spans: I32


def empty_weighed(width: int, height: int) -> Weighed:
    """Nobody, in memory of its own; even sides."""
    return Weighed(
        np.zeros((height + 1, width), np.uint32),
        np.zeros((height // 2 + 1, width // 2), np.uint64),
        np.zeros((height // 2, 2), np.int32),
    )


# Every step is brought back to 32 bits: numba counts in 64, which halves what a vector holds.
@inline
def _share(value: int, alpha: int | np.uint32) -> np.uint32:
    # value x alpha / 255, rounded; exact for all bytes.
    product = np.uint32(np.uint32(value) * np.uint32(alpha)) + np.uint32(128)
    product = np.uint32(product)
    return np.uint32(np.uint32(product + np.uint32(product >> np.uint32(8))) >> np.uint32(8))


@kernel(
    "void(uint8[:, :], uint8[:, :, :], uint8[:, :], int64, int64, int64, int64,"
    "uint32[:, ::1], uint64[:, ::1], int32[:, ::1])"
)
def _weigh(
    y: U8, uv: U8, alpha: U8, left: int, top: int, right: int, bottom: int,
    luma: U32, chroma: U64, spans: I32,
) -> None:  # fmt: skip
    width = right - left
    for pair in range(top // 2, bottom // 2):
        upper, lower = alpha[2 * pair, left:right], alpha[2 * pair + 1, left:right]
        for i in range(2):
            values, weights = y[2 * pair + i, left:right], alpha[2 * pair + i, left:right]
            into = luma[2 * pair + i, left:right]
            for x in range(width):
                into[x] = np.uint32(
                    np.uint32(np.uint32(weights[x]) << np.uint32(16))
                    | _share(values[x], weights[x])
                )
        some = uv[pair, left // 2 : right // 2]
        into_c = chroma[pair, left // 2 : right // 2]
        first, last = width, 0
        for x in range(width // 2):
            four = np.uint32(upper[2 * x]) + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1]
            a = np.uint32(np.uint32(four + 2) >> np.uint32(2))
            into_c[x] = (
                np.uint64(a) << np.uint64(32)
                | np.uint64(_share(some[x, 1], a)) << np.uint64(16)
                | np.uint64(_share(some[x, 0], a))
            )
            if four > 0:
                first, last = min(first, 2 * x), 2 * x + 2
        if last > 0:
            spans[pair, 0], spans[pair, 1] = left + first, left + last


def weigh(layer: PersonLayer, into: Weighed) -> None:
    """Weigh the layer's colours by its alpha; what ``into`` held is overwritten.

    Raises:
        ValueError: sizes differ.
    """
    if layer.alpha.shape != _size(into):
        raise ValueError(
            f"cannot weigh a layer of {layer.alpha.shape} into memory for {_size(into)}: expected "
            "the same rows and columns"
        )
    clear_weighed(into)
    rect, front = layer.rect, layer.front
    if rect.area:
        _weigh(
            front.y, front.uv, layer.alpha, rect.x, rect.y, rect.right, rect.bottom,
            into.luma, into.chroma, into.spans,
        )  # fmt: skip


def _size(layer: Weighed) -> tuple[int, int]:
    rows, columns = layer.luma.shape
    return rows - 1, columns


def clear_weighed(layer: Weighed) -> None:
    """Nobody any more."""
    pairs = np.flatnonzero(layer.spans[:, 0] < layer.spans[:, 1])
    if pairs.size:
        top, bottom = int(pairs[0]), int(pairs[-1]) + 1
        left, right = int(layer.spans[pairs, 0].min()), int(layer.spans[pairs, 1].max())
        layer.luma[2 * top : 2 * bottom, left:right] = 0
        layer.chroma[top:bottom, left // 2 : (right + 1) // 2] = 0
        layer.spans[top:bottom] = 0


@inline
def _flow_row(flow: F32, line: np.float32, per_x: np.float32, per_y: np.float32, row: F32) -> None:
    """The motion across one line, in pixels; one cell more than there are."""
    rows, columns = flow.shape[:2]
    line = min(max(line - np.float32(0.5), np.float32(0)), np.float32(rows - 1))
    k = int(line)
    n, t = min(k + 1, rows - 1), line - np.float32(k)
    for c in range(columns):
        row[0, c] = (flow[k, c, 0] + (flow[n, c, 0] - flow[k, c, 0]) * t) * per_x
        row[1, c] = (flow[k, c, 1] + (flow[n, c, 1] - flow[k, c, 1]) * t) * per_y
    row[0, columns], row[1, columns] = row[0, columns - 1], row[1, columns - 1]


@inline
def _reach(spans: I32, pair: int, low: F32, high: F32, times: np.float32) -> tuple[Any, Any]:
    """The columns of a pair of rows that take anything from a layer moved by ``times`` x motion.

    ``low``, ``high``: the least and the most motion across and down, in pixels.
    """
    low_x, high_x = min(times * low[0], times * high[0]), max(times * low[0], times * high[0])
    low_y, high_y = min(times * low[1], times * high[1]), max(times * low[1], times * high[1])
    first = max(0, pair + int(np.floor(low_y * np.float32(0.5))) - 1)
    last = min(spans.shape[0] - 1, pair + int(np.ceil(high_y * np.float32(0.5))) + 1)
    left, right = np.int64(1 << 30), np.int64(0)
    for p in range(first, last + 1):
        if spans[p, 0] < spans[p, 1]:
            left, right = min(left, np.int64(spans[p, 0])), max(right, np.int64(spans[p, 1]))
    return left - 2 - int(np.ceil(high_x)), right + 2 - int(np.floor(low_x))


@inline
def _aim(
    shift: F32, left: int, line: int, times: np.float32, width: int, height: int, where: I32,
    weight: I32,
) -> None:  # fmt: skip
    """Where each pixel of a line is read from: a pixel's number, and sixteenths beyond it."""
    most_x = np.float32(_PARTS * (width - 1))
    most_y = np.float32(_PARTS * (height - 1))
    for i in range(where.shape[0]):
        x = np.float32(left) + np.float32(np.int32(i)) + times * shift[0, i]
        y = np.float32(line) + times * shift[1, i]
        x = min(max(x * np.float32(_PARTS) + np.float32(0.5), np.float32(0)), most_x)
        y = min(max(y * np.float32(_PARTS) + np.float32(0.5), np.float32(0)), most_y)
        px, py = np.int32(x), np.int32(y)
        where[i] = np.int32(np.int32(np.int32(py >> 4) * np.int32(width)) + np.int32(px >> 4))
        weight[i] = np.int32(np.int32(np.int32(py & 15) * np.int32(16)) + np.int32(px & 15))


@inline
def _sample_luma(plane: U32, width: int, where: I32, weight: I32, out: U32) -> None:
    """256 x the bilinear sample, alpha and luma at once."""
    pitch = np.uint32(width)
    for i in range(where.shape[0]):
        at, w = np.uint32(where[i]), np.uint32(weight[i])
        y, x = np.uint32(w >> np.uint32(4)), np.uint32(w & np.uint32(15))
        rest_x, rest_y = np.uint32(np.uint32(16) - x), np.uint32(np.uint32(16) - y)
        next_, under = np.uint32(at + np.uint32(1)), np.uint32(at + pitch)
        beside = np.uint32(under + np.uint32(1))
        upper = np.uint32(np.uint32(plane[at] * rest_x) + np.uint32(plane[next_] * x))
        lower = np.uint32(np.uint32(plane[under] * rest_x) + np.uint32(plane[beside] * x))
        out[i] = np.uint32(np.uint32(upper * rest_y) + np.uint32(lower * y))


@inline
def _sample_chroma(plane: U64, width: int, where: I32, weight: I32, out: U64) -> None:
    """256 x the bilinear sample, alpha and both chroma values at once."""
    pitch = np.uint32(width)
    for i in range(where.shape[0]):
        at, w = np.uint32(where[i]), np.uint32(weight[i])
        y, x = np.uint64(w >> np.uint32(4)), np.uint64(w & np.uint32(15))
        rest_x, rest_y = np.uint64(16) - x, np.uint64(16) - y
        next_, under = np.uint32(at + np.uint32(1)), np.uint32(at + pitch)
        beside = np.uint32(under + np.uint32(1))
        upper = plane[at] * rest_x + plane[next_] * x
        lower = plane[under] * rest_x + plane[beside] * x
        out[i] = upper * rest_y + lower * y


@inline
def _lay_luma(first: U32, second: U32, share: np.float32, rest: np.float32, out: U8) -> None:
    low, up = np.uint32(0xFFFF), np.uint32(16)
    for i in range(out.shape[0]):
        value = rest * np.float32(np.int32(np.uint32(first[i] & low)))
        value += share * np.float32(np.int32(np.uint32(second[i] & low)))
        alpha = rest * np.float32(np.int32(np.uint32(first[i] >> up)))
        alpha += share * np.float32(np.int32(np.uint32(second[i] >> up)))
        value += (np.float32(1) - alpha * np.float32(1 / 255)) * np.float32(out[i])
        out[i] = np.uint8(np.int32(min(value + np.float32(0.5), np.float32(255))))


@inline
def _lay_chroma(first: U64, second: U64, share: np.float32, rest: np.float32, out: U8) -> None:
    low = np.uint64(0xFFFF)
    for i in range(first.shape[0]):
        a, b = first[i], second[i]
        alpha = rest * np.float32(np.int32(a >> np.uint64(32)))
        alpha += share * np.float32(np.int32(b >> np.uint64(32)))
        behind = np.float32(1) - alpha * np.float32(1 / 255)
        cb = rest * np.float32(np.int32(a & low)) + share * np.float32(np.int32(b & low))
        cr = rest * np.float32(np.int32((a >> np.uint64(16)) & low))
        cr += share * np.float32(np.int32((b >> np.uint64(16)) & low))
        cb += behind * np.float32(out[2 * i]) + np.float32(0.5)
        cr += behind * np.float32(out[2 * i + 1]) + np.float32(0.5)
        out[2 * i] = np.uint8(np.int32(min(cb, np.float32(255))))
        out[2 * i + 1] = np.uint8(np.int32(min(cr, np.float32(255))))


@inline
def _part_luma(
    first: U32, second: U32, share: np.float32, rest: np.float32, out: U8, alpha_out: U8
) -> None:
    low, up = np.uint32(0xFFFF), np.uint32(16)
    for i in range(out.shape[0]):
        value = rest * np.float32(np.int32(np.uint32(first[i] & low)))
        value += share * np.float32(np.int32(np.uint32(second[i] & low)))
        alpha = rest * np.float32(np.int32(np.uint32(first[i] >> up)))
        alpha += share * np.float32(np.int32(np.uint32(second[i] >> up)))
        alpha_out[i] = np.uint8(np.int32(alpha + np.float32(0.5)))
        value = value * np.float32(255) / max(alpha, np.float32(0.5))
        out[i] = np.uint8(np.int32(min(value + np.float32(0.5), np.float32(255))))


@inline
def _part_chroma(first: U64, second: U64, share: np.float32, rest: np.float32, out: U8) -> None:
    low = np.uint64(0xFFFF)
    for i in range(first.shape[0]):
        a, b = first[i], second[i]
        alpha = rest * np.float32(np.int32(a >> np.uint64(32)))
        alpha += share * np.float32(np.int32(b >> np.uint64(32)))
        whole = np.float32(255) / max(alpha, np.float32(0.5))
        cb = rest * np.float32(np.int32(a & low)) + share * np.float32(np.int32(b & low))
        cr = rest * np.float32(np.int32((a >> np.uint64(16)) & low))
        cr += share * np.float32(np.int32((b >> np.uint64(16)) & low))
        out[2 * i] = np.uint8(np.int32(min(cb * whole + np.float32(0.5), np.float32(255))))
        out[2 * i + 1] = np.uint8(np.int32(min(cr * whole + np.float32(0.5), np.float32(255))))


@kernel(
    "void(uint32[::1], uint64[::1], int32[:, ::1], uint32[::1], uint64[::1],"
    "int32[:, ::1], int64, float32[:, :, :], float32[:, :, :], int32[::1], float32[::1], float32,"
    "float32,"
    "uint8[:, :], uint8[:, :], uint8[:, :], int32[::1])"
)
def _between(
    first_y: U32, first_c: U64, first_spans: I32, second_y: U32, second_c: U64, second_spans: I32,
    width: int, flow: F32, most: F32, cell: I32, part: F32, at: np.float32, share: np.float32,
    out_y: U8, out_uv: U8, out_alpha: U8, box: I32,
) -> None:  # fmt: skip
    # out_alpha: of no rows: over what is in out; else the person alone. box: around all written.
    alone = out_alpha.shape[0] > 0
    # first_y, first_c, …: row after row, ``width`` pixels each, or pairs of them.
    height = 2 * second_spans.shape[0]
    rows, columns = flow.shape[:2]
    per_x, per_y = np.float32(width / columns), np.float32(height / rows)
    back, forth = at, at - np.float32(1)
    part_1, part_2 = (np.float32(1) - share) * np.float32(1 / 256), share * np.float32(1 / 256)
    # most: least and most motion of each row of cells, across and down.
    row = np.empty((2, columns + 1), np.float32)
    low, high = np.empty(2, np.float32), np.empty(2, np.float32)
    shift, shift_c = np.empty((2, width), np.float32), np.empty((2, width // 2), np.float32)
    where, weight = np.empty(width, np.int32), np.empty(width, np.int32)
    a, b = np.empty(width, np.uint32), np.empty(width, np.uint32)
    a_c, b_c = np.empty(width // 2, np.uint64), np.empty(width // 2, np.uint64)
    for pair in range(height // 2):
        _flow_row(flow, np.float32(2 * pair + 1) / per_y, per_x, per_y, row)
        k = min(max(int(np.float32(2 * pair + 1) / per_y - np.float32(0.5)), 0), rows - 1)
        n = min(k + 1, rows - 1)
        low[0] = min(most[0, k, 0], most[0, n, 0]) * per_x
        low[1] = min(most[0, k, 1], most[0, n, 1]) * per_y
        high[0] = max(most[1, k, 0], most[1, n, 0]) * per_x
        high[1] = max(most[1, k, 1], most[1, n, 1]) * per_y
        left, right = _reach(second_spans, pair, low, high, forth)
        if share < np.float32(1):
            start, end = _reach(first_spans, pair, low, high, back)
            left, right = min(left, start), max(right, end)
        left, right = max(left, 0) // 2 * 2, min(right + 1, width) // 2 * 2
        if left >= right:
            continue
        box[0], box[1] = min(box[0], left), min(box[1], 2 * pair)
        box[2], box[3] = max(box[2], right), max(box[3], 2 * pair + 2)
        n, half = right - left, (right - left) // 2
        for i in range(n):
            c, s = np.uint32(cell[left + i]), part[left + i]
            d = np.uint32(c + np.uint32(1))
            shift[0, i] = row[0, c] + (row[0, d] - row[0, c]) * s
            shift[1, i] = row[1, c] + (row[1, d] - row[1, c]) * s
        for i in range(half):
            for j in range(2):
                both = shift[j, 2 * i] + shift[j, 2 * i + 1]
                shift_c[j, i] = np.float32(0.25) * both
        for line in range(2 * pair, 2 * pair + 2):
            if share < np.float32(1):
                _aim(shift, left, line, back, width, height, where[:n], weight[:n])
                _sample_luma(first_y, width, where[:n], weight[:n], a[:n])
            else:
                a[:n] = 0
            _aim(shift, left, line, forth, width, height, where[:n], weight[:n])
            _sample_luma(second_y, width, where[:n], weight[:n], b[:n])
            if alone:
                _part_luma(
                    a[:n], b[:n], part_2, part_1, out_y[line, left:right],
                    out_alpha[line, left:right],
                )  # fmt: skip
            else:
                _lay_luma(a[:n], b[:n], part_2, part_1, out_y[line, left:right])
        if share < np.float32(1):
            _aim(shift_c, left // 2, pair, back, width // 2, height // 2, where[:half], weight)
            _sample_chroma(first_c, width // 2, where[:half], weight, a_c[:half])
        else:
            a_c[:half] = 0
        _aim(shift_c, left // 2, pair, forth, width // 2, height // 2, where[:half], weight)
        _sample_chroma(second_c, width // 2, where[:half], weight, b_c[:half])
        if alone:
            _part_chroma(a_c[:half], b_c[:half], part_2, part_1, out_uv[pair, left:right])
        else:
            _lay_chroma(a_c[:half], b_c[:half], part_2, part_1, out_uv[pair, left:right])


def blend_between(
    first: Weighed, second: Weighed, flow: F32, at: float, background: Frame, out: Frame
) -> None:
    """Write the person as at a time between two frames, or soon after them, over a background.

    Args:
        first, second: the person in the two frames.
        flow: see ``halfway``, for ``at``.
        at: 0 is the first frame's time, 1 the second's. Up to 1 both frames are moved there and
            mixed by their nearness; beyond, the second is moved on alone.
        background, out: NV12 of the layers' size, even sides of 4 at least, any pitch.

    Raises:
        ValueError: sizes differ, or are smaller.
    """
    size = (out.height, out.width)
    if not (background.rect == out.rect and _size(first) == _size(second) == size) or min(size) < 4:
        raise ValueError(
            f"cannot lay {_size(first)} and {_size(second)} over {background.width}x"
            f"{background.height} into {out.width}x{out.height}: expected one size, 4x4 at least"
        )
    np.copyto(out.y, background.y)
    np.copyto(out.uv, background.uv)
    _run(first, second, flow, at, out, _NO_ALPHA)


_NO_ALPHA = np.empty((0, 0), np.uint8)


def layer_between(first: Weighed, second: Weighed, flow: F32, at: float, into: PersonLayer) -> None:
    """The same person as ``blend_between`` lays over a background, apart from any.

    Args:
        first, second, flow, at: see ``blend_between``.
        into: of the layers' size; its old content is overwritten.

    Raises:
        ValueError: sizes differ, or are smaller than 4x4.
    """
    size = into.alpha.shape
    if not _size(first) == _size(second) == size or min(size) < 4:
        raise ValueError(
            f"cannot draw {_size(first)} and {_size(second)} into a layer of {size}: expected one "
            "size, 4x4 at least"
        )
    old = into.rect
    into.alpha[old.y : old.bottom, old.x : old.right] = 0
    left, top, right, bottom = _run(first, second, flow, at, into.front, into.alpha)
    empty = right <= left
    into.rect = NOWHERE if empty else Rect(left, top, right - left, bottom - top)


def _run(
    first: Weighed, second: Weighed, flow: F32, at: float, out: Frame, alpha: U8
) -> tuple[int, int, int, int]:
    """Returns the sides of what was written: left, top, right, bottom."""
    box = np.array((out.width, out.height, 0, 0), np.int32)
    columns, width = flow.shape[1], out.width
    place = (np.arange(width, dtype=np.float32) + np.float32(0.5)) * np.float32(columns / width)
    place = np.clip(place - np.float32(0.5), 0, columns - 1).astype(np.float32)
    cell = place.astype(np.int32)
    extremes = [cv2.reduce(flow, 1, how)[:, 0] for how in (cv2.REDUCE_MIN, cv2.REDUCE_MAX)]
    most = np.asarray(np.stack(extremes), np.float32)
    _between(
        first.luma.reshape(-1), first.chroma.reshape(-1), first.spans,
        second.luma.reshape(-1), second.chroma.reshape(-1), second.spans, second.luma.shape[1],
        flow, most, cell, (place - cell).astype(np.float32), np.float32(at),
        np.float32(min(at, 1.0)),
        out.y, out.uv_rows, alpha, box,
    )  # fmt: skip
    return int(box[0]), int(box[1]), int(box[2]), int(box[3])
