"""The person's layer in the light of what is behind: a colour map, and light around the edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.layer import PersonLayer
from appliance.pixels.cpu.rows import between

CELLS = 240
"""Columns or rows, whichever are more, of the small grid over the whole picture."""

# Columns of luma that are looked at together: where none of them shows anything of the person, or
# none is near an edge, the work on them is left out.
_CHUNK = 64


def light_grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the small grid over a picture of this size, in pixels."""
    scale = min(1.0, CELLS / max(width, height))
    return max(1, round(height * scale)), max(1, round(width * scale))


@dataclass(frozen=True, slots=True)
class Wrap:
    """Light that comes round the person's edge from behind, on a small grid over the picture.

    Attributes:
        share: uint8 (rows, columns): how much of the light behind takes the place of the person's
            own colour, 255 for all; the layer's alpha weighs it once more.
        luma, chroma: uint8 (rows, columns) and (rows, columns, 2): the light behind.
    """

    share: U8
    luma: U8
    chroma: U8


def shrink(plane: U8, rows: int, columns: int) -> U8:
    """A plane (height, width) or (height, width, 2) made small by area means.

    Halved as long as cells are whole, which OpenCV does many times faster than the rest.
    """
    while plane.shape[0] % (2 * rows) == 0 and plane.shape[1] % (2 * columns) == 0:
        plane = _sized(plane, plane.shape[0] // 2, plane.shape[1] // 2)
    return plane if plane.shape[:2] == (rows, columns) else _sized(plane, rows, columns)


def _sized(plane: U8, rows: int, columns: int) -> U8:
    grows = plane.shape[0] < rows or plane.shape[1] < columns
    how = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, (columns, rows), interpolation=how), np.uint8)


def small_picture(picture: Frame) -> tuple[U8, U8]:
    """The whole picture on the small grid: luma (rows, columns), chroma (rows, columns, 2)."""
    rows, columns = light_grid(picture.width, picture.height)
    halves = [shrink(np.asarray(one, np.uint8), rows, columns) for one in cv2.split(picture.uv)]
    return shrink(picture.y, rows, columns), np.asarray(cv2.merge(halves), np.uint8)


def soft(plane: U8, sigma: float) -> U8:
    """A small plane out of focus, its border repeated; ``sigma`` in its pixels."""
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), max(0.3, sigma), borderType=edge), np.uint8)


def wrap_share(alpha: U8, sigma: float, strength: float) -> U8:
    """``Wrap.share``: strength * (1 - alpha out of focus), of the layer's alpha on the small grid.

    Args:
        alpha: uint8 (rows, columns). sigma: in its pixels. strength: 0..1.
    """
    table = np.round((255 - np.arange(256)) * strength).astype(np.uint8)
    return np.asarray(cv2.LUT(soft(alpha, sigma), table), np.uint8)


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
def _map_rows(
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
def _alternate(m: F32, by: F32) -> None:
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
def _weights(alpha: U8, out: F32) -> None:
    """Alpha, 0..255, as 0..1 / 255: it weighs a share of 0..255."""
    for i in range(alpha.shape[0]):
        out[i] = np.float32(alpha[i]) * np.float32(1 / (255 * 255))


@inline
def _mean_pairs(upper: F32, lower: F32, out: F32) -> None:
    for i in range(out.shape[0] // 2):
        mean = (upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1]) * (
            np.float32(0.25)
        )
        out[2 * i] = mean
        out[2 * i + 1] = mean


@inline
def _wrap_row(
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
def _empty(upper: U8, lower: U8) -> bool:
    total = np.int32(0)
    for i in range(upper.shape[0]):
        total += np.int32(upper[i]) + np.int32(lower[i])
    return bool(total == 0)


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], int64, int64, int64, int64, float32[:, ::1],"
    "boolean, uint8[:, ::1], uint8[:, ::1], uint8[:, ::1], uint8[:, ::1])"
)
def _relight(
    y: U8, uv: U8, alpha: U8, left: int, top: int, right: int, bottom: int, m: F32, mapped: bool,
    near: U8, share: U8, luma: U8, chroma: U8,
) -> None:  # fmt: skip
    height, rows, width = y.shape[0], share.shape[0], right - left
    by = np.empty((7, width), np.float32)
    _alternate(m, by)
    scratch = np.empty((4, width), np.float32)
    gain, add = m[0, 0], m[0, 3] + np.float32(0.5)
    chunks = -(-width // _CHUNK)
    shows = np.empty(chunks + 1, np.uint8)
    for line in range(top, bottom, 2):
        pair = line // 2
        first, last = chunks, 0
        for chunk in range(chunks):
            a = left + chunk * _CHUNK
            b = min(a + _CHUNK, right)
            shows[chunk] = not _empty(alpha[line, a:b], alpha[line + 1, a:b])
            if shows[chunk]:
                first, last = min(first, chunk), chunk + 1
        if first >= last:
            continue
        if mapped:
            a, b = left + first * _CHUNK, min(left + last * _CHUNK, right)
            n = b - a
            _map_rows(
                y[line, a:b], y[line + 1, a:b], uv[pair, a:b], gain, add, by, scratch[0, :n],
                scratch[1, :n], scratch[2, :n], scratch[3, :n],
            )  # fmt: skip
        if rows == 0:
            continue
        k, n_k, t = between(line + 1.0, height, rows)
        shows[last] = 0
        begin = -1
        for chunk in range(first, last + 1):
            if shows[chunk] and (near[k, chunk] or near[n_k, chunk]):
                begin = chunk if begin < 0 else begin
                continue
            if begin < 0:
                continue
            a, b = left + begin * _CHUNK, min(left + chunk * _CHUNK, right)
            n, begin = b - a, -1
            for i in range(2):
                r, s, u = between(line + i + 0.5, height, rows)
                _weights(alpha[line + i, a:b], scratch[i, :n])
                _wrap_row(
                    y[line + i, a:b], scratch[i, :n], share[r, a:b], share[s, a:b], luma[r, a:b],
                    luma[s, a:b], u, scratch[3, :n],
                )  # fmt: skip
            _mean_pairs(scratch[0, :n], scratch[1, :n], scratch[2, :n])
            _wrap_row(
                uv[pair, a:b], scratch[2, :n], share[k, a:b], share[n_k, a:b], chroma[k, a:b],
                chroma[n_k, a:b], t, scratch[3, :n],
            )  # fmt: skip


_NONE = np.empty((0, 0), np.uint8)
_SAME = np.eye(3, 4, dtype=np.float32)


class Relight:
    """Changes the person's colour in place; keeps the memory for what is stretched."""

    def __init__(self) -> None:
        self._behind: tuple[U8, U8, U8, U8] | None = None

    def __call__(self, layer: PersonLayer, matrix: F32 | None, wrap: Wrap | None) -> None:
        """Map the person's colours, then let the light behind come round the edge.

            F = M (Y, Cb, Cr, 1);  F += share * alpha * (B - F)

        Args:
            layer: its front is worked on in place, where its alpha is above 0, and beside that.
            matrix: float32 (3, 4); luma goes with the chroma of its 2x2 block, chroma with the
                block's mean luma. None: colours stay.
            wrap: None: nothing comes round the edge.
        """
        rect, front = layer.rect, layer.front
        if rect.area == 0 or (matrix is None and wrap is None):
            return
        near = share = luma = chroma = _NONE
        if wrap is not None:
            share = _wide(wrap.share, front.width)
            luma, chroma = self._stretched(wrap, front.width)
            near = _near(wrap.share, rect.x, rect.right, front.width)
        _relight(
            front.y, front.uv.reshape(front.uv.shape[0], -1), layer.alpha, rect.x, rect.y,
            rect.right, rect.bottom, _SAME if matrix is None else matrix, matrix is not None, near,
            share, luma, chroma,
        )  # fmt: skip

    def _stretched(self, wrap: Wrap, width: int) -> tuple[U8, U8]:
        """The light behind, stretched to the picture's width; kept as long as it is the same."""
        kept = self._behind
        if kept is None or kept[0] is not wrap.luma or kept[1] is not wrap.chroma:
            luma = _wide(wrap.luma, width)
            chroma = _wide(wrap.chroma, width // 2).reshape(luma.shape[0], -1)
            self._behind = kept = (wrap.luma, wrap.chroma, luma, np.ascontiguousarray(chroma))
        return kept[2], kept[3]


def _wide(plane: U8, width: int) -> U8:
    size = (width, plane.shape[0])
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _near(share: U8, left: int, right: int, width: int) -> U8:
    """For each grid row and each chunk from ``left``, whether any light comes round there."""
    columns = share.shape[1]
    edges = np.append(np.arange(left, right, _CHUNK), right) * (columns / width)
    first = np.clip(np.floor(edges[:-1] - 0.5).astype(int), 0, columns - 1)
    near = np.maximum.reduceat(share, first, axis=1)
    # A piece ends where the next one begins; interpolation also reaches that and one beyond.
    for step in range(2):
        last = np.clip(np.floor(edges[1:] - 0.5).astype(int) + step, 0, columns - 1)
        near = np.maximum(near, share[:, last])
    return np.ascontiguousarray(near)
