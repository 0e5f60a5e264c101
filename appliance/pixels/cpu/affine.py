"""The person's layer moved and brought to another size: an affine warp, without turning.

Colour and alpha are interpolated multiplied by each other ("premultiplied": Porter and Duff,
"Compositing Digital Images", 1984), so that what lies beyond the edge does not bleed in:

    a' = sum(w a),  F' = sum(w a F) / sum(w a),  w: bilinear
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.layer import NOWHERE, PersonLayer
from appliance.pixels.cpu.matte import I32
from appliance.pixels.cpu.warp_rows import warp

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
    into.front = Frame(
        into.front.y, into.front.uv, front.colour, front.pts, front.captured, front.serial,
        front.discontinuity, duration=front.duration,
    )  # fmt: skip
    into.rect = rect = view.shown(layer.rect, whole)
    _clear(into.alpha, old, rect)
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
    pairs = np.stack([2 * column_c, 2 * column_c + 1], axis=1).reshape(-1)
    warp(
        front.y, front.uv_rows, layer.alpha, into.front.y, into.front.uv_rows, into.alpha,
        rect.x, rect.y, column.astype(np.uint32), share, fx, row, down, fy,
        pairs.astype(np.uint32), np.repeat(share_c, 2), row_c, down_c,
    )  # fmt: skip


def _clear(alpha: U8, old: Rect, new: Rect) -> None:
    """0 where ``old`` reaches beyond ``new``, all of which is written."""
    both = old.intersect(new)
    if both.area == 0:
        alpha[old.y : old.bottom, old.x : old.right] = 0
        return
    alpha[old.y : both.y, old.x : old.right] = 0
    alpha[both.bottom : old.bottom, old.x : old.right] = 0
    alpha[both.y : both.bottom, old.x : both.x] = 0
    alpha[both.y : both.bottom, both.right : old.right] = 0
