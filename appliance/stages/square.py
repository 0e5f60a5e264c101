"""The square part of a frame around somebody, for networks that look at a pose or a face."""

from __future__ import annotations

import math

from appliance.media.frame import Rect
from appliance.stages.roi import Box


def square_around(box: Box, width: int, height: int, *, pad: float = 0.25, least: int = 32) -> Rect:
    """The square around a box: padded alike on all sides, extended about its middle, shifted in.

    It is never outside the frame, and never turned into an oblong by the frame's border: where the
    padded box is larger than the frame's shorter side, it is a square of that side, and what of
    the box does not fit is cut off on both sides alike, as far as the frame goes.

    Args:
        box: frame pixels; it may reach beyond the frame.
        width, height: of the frame, pixels; 2 at least.
        pad: room on each side, as a part of the box's longer side.
        least: smallest side, pixels, where the frame has as much.

    Returns:
        A square inside the frame, even on all sides.

    Raises:
        ValueError: the box is not finite or inside out, or the frame is too small.
    """
    sides = (box.left, box.top, box.right, box.bottom)
    if not all(map(math.isfinite, sides)) or box.width < 0 or box.height < 0:
        raise ValueError(f"a square around {box}: expected finite sides, left to right, top down")
    if min(width, height) < 2:
        raise ValueError(f"a square in a frame of {width}x{height} pixels: expected 2x2 at least")
    longer = max(box.width, box.height)
    side = min(max(longer * (1 + 2 * pad), float(least)), float(min(width, height)))
    # Up to even, but not beyond the frame.
    whole = min(math.ceil(side / 2), min(width, height) // 2) * 2
    x = _start((box.left + box.right) / 2, whole, width)
    y = _start((box.top + box.bottom) / 2, whole, height)
    return Rect(x, y, whole, whole)


def _start(middle: float, length: int, limit: int) -> int:
    """Where an interval about ``middle`` begins, shifted into 0..limit, even."""
    start = math.floor((middle - length / 2) / 2 + 0.5)
    return 2 * min(max(start, 0), (limit - length) // 2)
