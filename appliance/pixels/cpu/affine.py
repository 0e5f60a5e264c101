"""The person's layer moved and brought to another size: an affine warp, without turning.

Colour and alpha are interpolated multiplied by each other ("premultiplied": Porter and Duff,
"Compositing Digital Images", 1984), so that what lies beyond the edge does not bleed in:

    a' = sum(w a),  F' = sum(w a F) / sum(w a),  w: bilinear
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.layer import NOWHERE, PersonLayer
from appliance.pixels.cpu.matte import I32

U32 = NDArray[np.uint32]

# Where the camera's picture ends within the canvas, what is cut off there fades over this part of
# the picture's width.
_FADE = 0.03


@dataclass(frozen=True, slots=True)
class Viewport:
    """The part of the camera's picture that fills the canvas; it may reach beyond the picture.

    Attributes:
        left, top: its corner in the picture, pixels; (0, 0) is the corner of the first pixel.
        scale: canvas pixels for one of the picture; 1: as large as it is.
    """

    left: float = 0.0
    top: float = 0.0
    scale: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether it is the picture as it is."""
        return self.scale == 1 and self.left == 0 and self.top == 0

    def shown(self, rect: Rect, canvas: Rect) -> Rect:
        """Where a part of the picture lies on the canvas: the smallest even rectangle around it."""
        if rect.area == 0:
            return NOWHERE
        left = (rect.x - self.left) * self.scale
        top = (rect.y - self.top) * self.scale
        right, bottom = left + rect.width * self.scale, top + rect.height * self.scale
        # A pixel reaches as far as its neighbours' centres.
        x, y = math.floor((left - self.scale) / 2) * 2, math.floor((top - self.scale) / 2) * 2
        w = math.ceil((right + self.scale - x) / 2) * 2
        h = math.ceil((bottom + self.scale - y) / 2) * 2
        inside = Rect(x, y, w, h).intersect(canvas)
        return inside if inside.area else NOWHERE


def fades(view: Viewport, width: int, height: int) -> tuple[float, float, float, float]:
    """Over how many pixels of the picture a layer fades at its left, top, right and bottom edge.

    0 where that edge lies on the canvas' border or beyond it. Within the canvas the camera has cut
    off there what it did not see; a straight cut would catch the eye.
    """
    most = _FADE * width
    beyond = (
        -view.left, -view.top, view.left + width / view.scale - width,
        view.top + height / view.scale - height,
    )  # fmt: skip
    left, top, right, bottom = (min(max(2 * each, 0.0), most) for each in beyond)
    return left, top, right, bottom


def _positions(
    start: int, count: int, origin: float, scale: float, size: int
) -> tuple[I32, F32, F32]:
    """For canvas pixels from ``start`` on: the first of two pixels, the second's share, where."""
    there = (np.arange(start, start + count) + 0.5) / scale + origin
    place = np.clip(there - 0.5, 0, size - 1)
    first = np.minimum(place.astype(np.int32), max(size - 2, 0)).astype(np.int32)
    return first, (place - first).astype(np.float32), there.astype(np.float32)


def _weights(there: F32, size: int, fade: tuple[float, float]) -> F32:
    """How much of each place shows: 0 beyond the picture, 1 within, the fade in between."""
    inside = (there >= 0) & (there <= size)
    rise = np.minimum(there / max(fade[0], 1e-6), (size - there) / max(fade[1], 1e-6))
    return np.where(inside, np.clip(rise, 0, 1), 0).astype(np.float32)


# Each in loops of its own, with unsigned places: signed ones may count from the end, which a
# compiler must ask for at each pixel, and then does not vectorise.
@inline
def _mix_row(a0: U8, a1: U8, f0: U8, f1: U8, t: np.float32, alpha: F32, product: F32) -> None:
    """Two rows of alpha and of alpha times colour, mixed; the last value stands once more."""
    s = np.float32(1) - t
    n = a0.shape[0]
    for i in range(n):
        upper, lower = s * np.float32(a0[i]), t * np.float32(a1[i])
        alpha[i] = upper + lower
        product[i] = upper * np.float32(f0[i]) + lower * np.float32(f1[i])
    alpha[n], product[n] = alpha[n - 1], product[n - 1]


@inline
def _pair_row(upper: U8, lower: U8, sums: F32, out: F32) -> None:
    """The mean of each 2x2 block, 0..255, written twice: once for Cb and once for Cr."""
    for i in range(sums.shape[0]):
        sums[i] = np.float32(np.int32(upper[i]) + np.int32(lower[i]))
    for i in range(out.shape[0] // 2):
        mean = (sums[np.uint32(2 * i)] + sums[np.uint32(2 * i + 1)]) * np.float32(0.25)
        out[np.uint32(2 * i)] = mean
        out[np.uint32(2 * i + 1)] = mean


@inline
def _mix_chroma(a0: F32, a1: F32, f0: U8, f1: U8, t: np.float32, alpha: F32, product: F32) -> None:
    """``_mix_row`` of rows of Cb and Cr; the last pair stands once more."""
    s = np.float32(1) - t
    n = f0.shape[0]
    for i in range(n):
        upper, lower = s * a0[i], t * a1[i]
        alpha[i] = upper + lower
        product[i] = upper * np.float32(f0[i]) + lower * np.float32(f1[i])
    for i in range(n, n + 2):
        alpha[i], product[i] = alpha[i - 2], product[i - 2]


@inline
def _sample_row(row: F32, after: F32, places: U32, share: F32, out: F32) -> None:
    """A row at the places wanted, mixed with the next value to the right."""
    for x in range(places.shape[0]):
        c = places[x]
        out[x] = row[c] + share[x] * (after[c] - row[c])


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], int64,"
    "int64, int64, int64, uint32[::1], float32[::1], float32[::1], int32[::1], float32[::1],"
    "float32[::1], int64, int64, uint32[::1], float32[::1], int32[::1], float32[::1])"
)
def _warp(
    fg_y: U8, fg_uv: U8, fg_alpha: U8, out_y: U8, out_uv: U8, out_alpha: U8, x0: int, y0: int,
    left: int, right: int, column: U32, share: F32, fx: F32, row: I32, down: F32, fy: F32,
    left_c: int, right_c: int, column_c: U32, share_c: F32, row_c: I32, down_c: F32,
) -> None:  # fmt: skip
    rows, wide, half = fg_y.shape[0], column.shape[0], column_c.shape[0]
    a, p = np.empty(right - left + 1, np.float32), np.empty(right - left + 1, np.float32)
    alpha, product = np.empty(wide, np.float32), np.empty(wide, np.float32)
    for y in range(row.shape[0]):
        k = row[y]
        n = min(k + 1, rows - 1)
        _mix_row(
            fg_alpha[k, left:right], fg_alpha[n, left:right], fg_y[k, left:right],
            fg_y[n, left:right], down[y], a, p,
        )  # fmt: skip
        _sample_row(a, a[1:], column, share, alpha)
        _sample_row(p, p[1:], column, share, product)
        out, opaque = out_y[y0 + y, x0 : x0 + wide], out_alpha[y0 + y, x0 : x0 + wide]
        for x in range(wide):
            value = product[x] / max(alpha[x], np.float32(1e-3))
            out[x] = np.uint8(np.int32(value + np.float32(0.5)))
        for x in range(wide):
            opaque[x] = np.uint8(np.int32(alpha[x] * (fx[x] * fy[y]) + np.float32(0.5)))
    first, last = 2 * left_c, 2 * right_c
    count = last - first
    sums = np.empty(count, np.float32)
    a0, a1 = np.empty(count, np.float32), np.empty(count, np.float32)
    a, p = np.empty(count + 2, np.float32), np.empty(count + 2, np.float32)
    alpha, product = np.empty(half, np.float32), np.empty(half, np.float32)
    for y in range(row_c.shape[0]):
        k = row_c[y]
        n = min(k + 1, rows // 2 - 1)
        _pair_row(fg_alpha[2 * k, first:last], fg_alpha[2 * k + 1, first:last], sums, a0)
        _pair_row(fg_alpha[2 * n, first:last], fg_alpha[2 * n + 1, first:last], sums, a1)
        _mix_chroma(a0, a1, fg_uv[k, first:last], fg_uv[n, first:last], down_c[y], a, p)
        _sample_row(a, a[2:], column_c, share_c, alpha)
        _sample_row(p, p[2:], column_c, share_c, product)
        out = out_uv[y0 // 2 + y, x0 : x0 + half]
        for x in range(half):
            value = product[x] / max(alpha[x], np.float32(1e-3))
            out[x] = np.uint8(np.int32(value + np.float32(0.5)))


def warp_layer(layer: PersonLayer, view: Viewport, into: PersonLayer) -> None:
    """Write the layer as the canvas shows it through ``view``.

    Chroma is taken to lie in the middle of its four pixels, as everywhere here; for H.264's usual
    place, between the left two, that moves colour by at most (scale - 1) / 2 pixels.

    Args:
        into: of the layer's size, another one; its old content is overwritten.

    Raises:
        ValueError: the sizes differ.
    """
    front, whole = layer.front, layer.front.rect
    if into.front.rect != whole:
        raise ValueError(
            f"cannot warp a layer of {front.width}x{front.height} into one of "
            f"{into.front.width}x{into.front.height}: expected one size"
        )
    old = into.rect
    into.alpha[old.y : old.bottom, old.x : old.right] = 0
    into.front = Frame(
        into.front.y, into.front.uv, front.colour, front.pts, front.captured, front.serial,
        front.discontinuity, duration=front.duration,
    )  # fmt: skip
    into.rect = rect = view.shown(layer.rect, whole)
    if rect.area == 0:
        return
    left, top, right, bottom = fades(view, front.width, front.height)
    column, share, there = _positions(rect.x, rect.width, view.left, view.scale, front.width)
    fx = _weights(there, front.width, (left, right))
    row, down, there = _positions(rect.y, rect.height, view.top, view.scale, front.height)
    fy = _weights(there, front.height, (top, bottom))
    column_c, share_c, _ = _positions(
        rect.x // 2, rect.width // 2, view.left / 2, view.scale, front.width // 2
    )
    row_c, down_c, _ = _positions(
        rect.y // 2, rect.height // 2, view.top / 2, view.scale, front.height // 2
    )
    ends = int(column[0]), min(int(column[-1]) + 2, front.width)
    ends_c = int(column_c[0]), min(int(column_c[-1]) + 2, front.width // 2)
    pairs = 2 * (column_c - ends_c[0])
    _warp(
        front.y, _rows(front.uv), layer.alpha, into.front.y, _rows(into.front.uv), into.alpha,
        rect.x, rect.y, *ends, (column - ends[0]).astype(np.uint32), share, fx, row, down, fy,
        *ends_c, np.stack([pairs, pairs + 1], axis=1).reshape(-1).astype(np.uint32),
        np.repeat(share_c, 2), row_c, down_c,
    )  # fmt: skip


def _rows(uv: U8) -> U8:
    return uv.reshape(uv.shape[0], -1)
