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
# How far the canvas is to reach beyond an edge, for each pixel that the people stay away from it
# beyond some: left, top, right, bottom, as parts of the picture's sides. Hands go aside, and who
# leaves takes the canvas' edge along before they are at the picture's.
_BEYOND, _AWAY = 2.0, (0.08, 0.02, 0.08, 0.04)
# How far it may, at any time: not at all where they are cut off.
_FURTHEST = 4.0
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

    def within(self, view: F64, width: int, height: int) -> F64:
        """The nearest view (middle x, y, width) that keeps to it, of a picture of this size."""
        x, y, wide = view
        most = width + self.left + self.right
        wide = min(wide, most, (height + self.top + self.bottom) * width / height)
        high = wide * height / width
        x = min(max(x, wide / 2 - self.left), width + self.right - wide / 2)
        y = min(max(y, high / 2 - self.top), height + self.bottom - high / 2)
        return np.array([x, y, wide])


class Reach:
    """How near to the picture's edges the people come, now and of late."""

    def __init__(self, width: int, height: int) -> None:
        self._sides = (width, height, width, height)
        self._near: deque[tuple[int, list[float]]] = deque()
        self._gaps: list[float] | None = None
        self.room = Room()
        """How far the canvas is to reach beyond each edge, by where they have been of late."""

    def reset(self) -> None:
        """Forget it."""
        self._near.clear()
        self._gaps, self.room = None, Room()

    def note(self, now: int, subject: Subject) -> None:
        """Take in who is in a frame; ``now`` in nanoseconds."""
        width, height = self._sides[:2]
        gaps = [subject.left, subject.top, width - subject.right, height - subject.bottom]
        self._gaps = gaps
        if self._near and not 0 <= now - self._near[-1][0] <= _REMEMBER_NS:
            self._near.clear()
        while self._near and now - self._near[0][0] > _REMEMBER_NS:
            self._near.popleft()
        if self._near and now - self._near[-1][0] < _BUCKET_NS:
            least = self._near[-1][1]
            least[:] = [min(a, b) for a, b in zip(least, gaps, strict=True)]
        else:
            self._near.append((now, list(gaps)))
        least = [min(each) for each in zip(*(gaps for _, gaps in self._near), strict=True)]
        self.room = self._room(least, _AWAY, _BEYOND)

    def nobody(self) -> None:
        """Nobody is there to be cut off."""
        self._gaps = None

    @property
    def furthest(self) -> Room | None:
        """How far it may, by where they are now; None: anywhere, as nobody is there."""
        if self._gaps is None:
            return None
        return self._room(self._gaps, (_TOUCHING,) * 4, _FURTHEST)

    def _room(self, gaps: list[float], away: tuple[float, ...], beyond: float) -> Room:
        return Room(
            *(
                beyond * max(gap - part * side, 0.0)
                for gap, part, side in zip(gaps, away, self._sides, strict=True)
            )
        )


def cut_off(subject: Subject, width: int, height: int) -> bool:
    """Whether a side of the picture or its upper edge cuts through somebody."""
    aside = _TOUCHING * width
    return (
        subject.left <= aside or subject.right >= width - aside
        or subject.top <= _TOUCHING * height
    )  # fmt: skip


def aim(
    subject: Subject, room: Room, settings: FramingSettings, width: int, height: int,
    least: float = 0.0,
) -> F64:  # fmt: skip
    """The part of the picture that is to fill the canvas.

    What is cut off stays at the canvas' border; then everybody is in it from left to right; then
    the headroom is as wanted; then the size.

    Args:
        least: of the picture's width at least so much, pixels.

    Returns:
        Its middle (x, y) and its width, in the camera's pixels; its shape is the picture's.
    """
    wanted = settings.size
    if subject.bottom >= height * (1 - _TOUCHING):
        wanted = max(wanted, 1 - settings.headroom)
    scale = wanted * height / max(subject.bottom - subject.top, 1.0)
    scale = min(scale, (1 - 2 * _SIDE) * width / max(subject.core_right - subject.core_left, 1.0))
    scale = min(max(scale, _LEAST_SCALE), settings.zoom)
    # Where the room asks for less of the picture, its headroom is of that.
    wide = max(width / scale, least)
    wide = room.within(np.array([0.0, 0.0, wide]), width, height)[2]
    high = wide * height / width
    top = subject.top - settings.headroom * high
    return room.within(np.array([subject.middle, top + high / 2, wide]), width, height)
