"""The keyed person of a clip's frame, on any part of the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.avatars.clip import ClipFrame
from appliance.media.frame import U8, Rect


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A person on a part of the canvas, as a clip holds it.

    Attributes:
        y, alpha: uint8 (height, width), both even. uv: uint8 (height / 2, width / 2, 2).
    """

    y: U8
    uv: U8
    alpha: U8


def on(frame: ClipFrame, rect: Rect) -> Planes:
    """What a frame has in ``rect``, of even sides; nobody where it has nothing."""
    if frame.rect == rect:
        return Planes(frame.y, frame.uv, frame.alpha)
    y = np.zeros((rect.height, rect.width), np.uint8)
    uv = np.full((rect.height // 2, rect.width // 2, 2), 128, np.uint8)
    alpha = np.zeros_like(y)
    both = frame.rect.intersect(rect)
    if both.area:
        into, out = _part(both, rect), _part(both, frame.rect)
        y[into], alpha[into] = frame.y[out], frame.alpha[out]
        into, out = _half(into), _half(out)
        uv[into] = frame.uv[out]
    return Planes(y, uv, alpha)


def around(rects: list[Rect]) -> Rect:
    """The smallest rectangle around all that are not empty; empty if all are."""
    some = [rect for rect in rects if rect.area]
    if not some:
        return Rect(0, 0, 0, 0)
    x, y = min(r.x for r in some), min(r.y for r in some)
    return Rect(x, y, max(r.right for r in some) - x, max(r.bottom for r in some) - y)


def person_box(frame: ClipFrame) -> Rect:
    """Where on the canvas anybody is, of even sides; empty for nobody."""
    x, y, width, height = cv2.boundingRect(frame.alpha)
    if not width:
        return Rect(0, 0, 0, 0)
    left, top = x // 2 * 2, y // 2 * 2
    right, bottom = (x + width + 1) // 2 * 2, (y + height + 1) // 2 * 2
    return Rect(frame.rect.x + left, frame.rect.y + top, right - left, bottom - top)


def _part(inner: Rect, outer: Rect) -> tuple[slice, slice]:
    x, y = inner.x - outer.x, inner.y - outer.y
    return slice(y, y + inner.height), slice(x, x + inner.width)


def _half(part: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = part
    return (
        slice(rows.start // 2, rows.stop // 2),
        slice(columns.start // 2, columns.stop // 2),
    )
