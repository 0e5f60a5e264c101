"""Mattes drawn by hand: polygons as planes, and the person's layer under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import U8, Frame, Rect
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.layer import NOWHERE, PersonLayer

Points = Sequence[Sequence[tuple[float, float]]]

_PAD = 4  # pixels around the picture, to draw on
_SHIFT = 4  # bits of a pixel's fraction that cv2 draws polygons with


@dataclass(frozen=True, slots=True)
class HandMattes:
    """Polygons drawn by hand, as planes of the picture's size.

    Attributes:
        room: uint8 (height, width): what is left of alpha, of 255: 0 within, 255 elsewhere.
        keep: uint8 (height, width): how much of the live picture is shown at least: 255 within.
        room_rect, keep_rect: even, around all that is below 255 in room and above 0 in keep.
    """

    room: U8
    keep: U8
    room_rect: Rect
    keep_rect: Rect


def hand_mattes(room: Points, keep: Points, width: int, height: int, feather: float) -> HandMattes:
    """Draw polygons, their points in fractions of the picture, with a soft edge.

    The edge fades over ``feather`` pixels, outwards for ``room`` and inwards for ``keep``, so that
    no pixel touched by a room polygon is shown, and none outside a keep polygon. Where both lie,
    nothing is shown. Done once, not for each frame.
    """
    inside = _drawn(room, width, height, grow=True)
    left = _fading(255 - inside, feather)
    kept = _fading(_drawn(keep, width, height, grow=False), feather)
    kept = np.asarray(np.minimum(kept, left), np.uint8)
    return HandMattes(left, kept, _around(left < 255), _around(kept > 0))


def _drawn(polygons: Points, width: int, height: int, *, grow: bool) -> U8:
    """255 in all pixels that a polygon touches, or (not ``grow``) that lie wholly within."""
    plane = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        points = np.asarray(polygon, np.float64)
        # The picture's border cuts nothing off: sides that lie on it are drawn outside of it.
        beyond = np.where(points <= 0, -_PAD / 2, np.where(points >= 1, _PAD / 2, 0.0))
        # cv2's pixel centres lie at whole numbers.
        placed = points * (width, height) + beyond + (_PAD - 0.5)
        fixed = np.round(placed * (1 << _SHIFT)).astype(np.int32)
        one = np.zeros((height + 2 * _PAD, width + 2 * _PAD), np.uint8)
        cv2.fillPoly(one, [fixed], 255, lineType=cv2.LINE_8, shift=_SHIFT)
        # Whole pixels along the outline: they belong to the polygon, or not at all.
        cv2.polylines(one, [fixed], True, 255 if grow else 0, lineType=cv2.LINE_8, shift=_SHIFT)
        np.maximum(plane, one[_PAD : _PAD + height, _PAD : _PAD + width], out=plane)
    return plane


def _fading(inside: U8, feather: float) -> U8:
    """255 deep within ``inside``, 0 outside, a ramp of ``feather`` pixels along its edge."""
    if feather <= 0 or inside.all() or not inside.any():
        return inside
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp = np.clip(deep * np.float32(255 / (feather + 1)), 0, 255)
    return np.asarray(np.round(ramp), np.uint8)


def _around(there: np.ndarray) -> Rect:
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    if rows.size == 0:
        return NOWHERE
    left, top = int(columns[0]) // 2 * 2, int(rows[0]) // 2 * 2
    right, bottom = -(-(int(columns[-1]) + 1) // 2) * 2, -(-(int(rows[-1]) + 1) // 2) * 2
    return Rect(left, top, right - left, bottom - top)


@kernel("void(uint8[:, :], uint8[:, :], int64, int64, int64, int64)")
def _cut(alpha: U8, room: U8, left: int, top: int, right: int, bottom: int) -> None:
    for y in range(top, bottom):
        for x in range(left, right):
            value = np.int32(alpha[y, x]) * np.int32(room[y, x])
            alpha[y, x] = np.uint8((value + 127) // 255)


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :],"
    "int64, int64, int64, int64)"
)
def _hold(
    alpha: U8, keep: U8, live_y: U8, live_uv: U8, out_y: U8, out_uv: U8, left: int, top: int,
    right: int, bottom: int,
) -> None:  # fmt: skip
    for y in range(top, bottom, 2):
        for x in range(left, right, 2):
            some = False
            for j in range(y, y + 2):
                for i in range(x, x + 2):
                    if keep[j, i] > alpha[j, i]:
                        alpha[j, i] = keep[j, i]
                        out_y[j, i] = live_y[j, i]
                        some = True
            if some:
                out_uv[y // 2, x], out_uv[y // 2, x + 1] = (
                    live_uv[y // 2, x], live_uv[y // 2, x + 1],
                )  # fmt: skip


def apply_mattes(mattes: HandMattes, frame: Frame, layer: PersonLayer) -> None:
    """Cut the room's polygons out of the layer, and add what is kept of the live frame; in place.

    The layer's rectangle grows to hold what is kept.

    Raises:
        ValueError: sizes differ.
    """
    if not (frame.rect == layer.front.rect and mattes.room.shape == layer.alpha.shape):
        raise ValueError(
            f"mattes of {mattes.room.shape[1]}x{mattes.room.shape[0]} and a layer of "
            f"{layer.front.width}x{layer.front.height} for a frame of "
            f"{frame.width}x{frame.height}: expected one size"
        )
    cut = layer.rect.intersect(mattes.room_rect)
    if cut.area:
        _cut(layer.alpha, mattes.room, cut.x, cut.y, cut.right, cut.bottom)
    kept = mattes.keep_rect
    if not kept.area:
        return
    front = layer.front
    _hold(
        layer.alpha, mattes.keep, frame.y, frame.uv_rows, front.y,
        front.uv_rows, kept.x, kept.y, kept.right, kept.bottom,
    )  # fmt: skip
    layer.rect = around_both(layer.rect, kept)


def around_both(one: Rect, other: Rect) -> Rect:
    """The smallest rectangle around two, either of which may be empty."""
    if not (one.area and other.area):
        return one if one.area else other
    left, top = min(one.x, other.x), min(one.y, other.y)
    right, bottom = max(one.right, other.right), max(one.bottom, other.bottom)
    return Rect(left, top, right - left, bottom - top)
