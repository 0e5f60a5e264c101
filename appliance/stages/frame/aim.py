"""Where a subject belongs on the canvas: which part of the camera's picture is to fill it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.config.settings.stages.frame import FramingSettings
from appliance.stages.frame.subject import Subject

F64 = NDArray[np.float64]

# People keep at least this part of the canvas' width on either side.
_SIDE = 0.04
# Nearer to the picture's edge than this part of its sides is taken for cut off by it.
_TOUCHING = 0.012
# How far the canvas may reach beyond an edge, for each pixel between it and the people: they are
# never shown floating, and who goes to the edge takes the canvas' edge along before they are there.
_BEYOND = 2.0
# What came near to an edge may do so again within this time: gestures do.
_REMEMBER_NS = 10_000_000_000
_BUCKET_NS = 500_000_000
_LEAST_SCALE = 0.5


@dataclass(frozen=True, slots=True)
class Room:
    """How far the canvas may reach beyond each edge of the picture, pixels."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


class Reach:
    """How near to the picture's edges the people have come of late."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._near: deque[tuple[int, list[float]]] = deque()

    def reset(self) -> None:
        """Forget it."""
        self._near.clear()

    def note(self, now: int, subject: Subject) -> None:
        """Take in a frame's subject; ``now`` in nanoseconds."""
        width, height = self._size
        gaps = [subject.left, subject.top, width - subject.right, height - subject.bottom]
        if self._near and not 0 <= now - self._near[-1][0] <= _REMEMBER_NS:
            self._near.clear()
        while self._near and now - self._near[0][0] > _REMEMBER_NS:
            self._near.popleft()
        if self._near and now - self._near[-1][0] < _BUCKET_NS:
            least = self._near[-1][1]
            least[:] = [min(a, b) for a, b in zip(least, gaps, strict=True)]
        else:
            self._near.append((now, gaps))

    @property
    def room(self) -> Room:
        """How far the canvas may reach beyond each edge."""
        if not self._near:
            return Room()
        width, height = self._size
        least = [min(gaps) for gaps in zip(*(gaps for _, gaps in self._near), strict=True)]
        slack = _TOUCHING * width, _TOUCHING * height
        sides = [_BEYOND * max(gap - slack[k % 2], 0.0) for k, gap in enumerate(least)]
        return Room(*sides)


def touching(subject: Subject, width: int, height: int) -> tuple[bool, bool, bool, bool]:
    """Which edges of the picture cut the people off: left, top, right, bottom."""
    x, y = _TOUCHING * width, _TOUCHING * height
    return (
        subject.left <= x, subject.top <= y, subject.right >= width - x,
        subject.bottom >= height - y,
    )  # fmt: skip


def aim(subject: Subject, room: Room, settings: FramingSettings, width: int, height: int) -> F64:
    """The part of the picture that is to fill the canvas.

    What is cut off stays at the canvas' border; then everybody is in it from left to right; then
    the headroom is as wanted; then the size.

    Returns:
        Its middle (x, y) and its width, in the camera's pixels; its shape is the picture's.
    """
    wanted = settings.size
    if touching(subject, width, height)[3]:
        wanted = max(wanted, 1 - settings.headroom)
    scale = wanted * height / max(subject.bottom - subject.top, 1.0)
    scale = min(scale, (1 - 2 * _SIDE) * width / max(subject.core_right - subject.core_left, 1.0))
    scale = min(max(scale, _LEAST_SCALE), settings.zoom)
    scale = max(
        scale, width / (width + room.left + room.right), height / (height + room.top + room.bottom)
    )
    wide, high = width / scale, height / scale
    left = subject.middle - wide / 2
    left = min(max(left, -room.left), width + room.right - wide)
    top = subject.top - settings.headroom * high
    top = min(max(top, -room.top), height + room.bottom - high)
    return np.array([left + wide / 2, top + high / 2, wide])
