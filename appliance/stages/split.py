"""People far apart: each looked at closely, side by side in the network's input.

One look at a region around people who stand far apart shows them small, with the room between
them in most of the input. Instead the input is divided into equal parts along its width, and each
part gets the region of one group of people. That costs no second run of the network, and what it
gives is put together again on the grid of the region around all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from appliance.config.settings import RoiSettings
from appliance.media.frame import Rect
from appliance.stages.network.letterbox import fitted
from appliance.stages.roi import Box, Tracker

# How much larger everybody must be seen than in one look, by number of parts: to begin, to go on.
# Measured on composed scenes of held-out people (docs/figures.md): two parts gain at any distance,
# three cut a head and shoulders narrowly, and only help where the one look shows them small.
_BEGIN = {2: 1.25, 3: 1.5}
_GO_ON = {2: 1.08, 3: 1.3}
_MOST = max(_BEGIN)


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the frame, ``roi``, and where it goes in the network's input, ``inner``."""

    roi: Rect
    inner: Rect


class Splitter:
    """Chooses, a frame ahead, whether the network's input is divided, and what each part shows.

    Read ``tiles``: none means one look at the ROI. Then call ``update`` with the people found.
    """

    def __init__(
        self, settings: RoiSettings, width: int, height: int, grid: tuple[int, int]
    ) -> None:
        """For frames of ``width`` x ``height``; ``grid``: rows and columns of the input."""
        self._settings = settings
        self._frame = (width, height)
        self._rows, self._columns = grid
        self._trackers: list[Tracker] = []
        self.tiles: tuple[Tile, ...] = ()

    def configure(self, settings: RoiSettings) -> None:
        """Apply new settings from the next frame on."""
        if settings != self._settings:
            self._settings = settings
            self.reset()

    def reset(self) -> None:
        """One look at the ROI, until people are found apart again."""
        self._trackers = []
        self.tiles = ()

    def update(self, people: Sequence[Box], roi: Rect) -> None:
        """Take in everybody's boxes, frame pixels, and the next frame's region around them all."""
        if not (self._settings.enabled and self._settings.split):
            return
        groups = self._groups(people)
        if len(groups) < 2:
            self.reset()
            return
        places = self._places(len(groups))
        if len(self._trackers) != len(groups):
            self.tiles = ()
            self._trackers = [
                Tracker(self._settings, *self._frame, place.width / place.height)
                for place in places
            ]
        for tracker, box in zip(self._trackers, groups, strict=True):
            tracker.update(box)
        tiles = tuple(
            Tile(tracker.roi, _within(place, tracker.roi))
            for tracker, place in zip(self._trackers, places, strict=True)
        )
        least = (_GO_ON if self.tiles else _BEGIN)[len(tiles)]
        whole = fitted(roi, self._columns, self._rows)
        gain = min(_scale(tile.roi, tile.inner) for tile in tiles) / _scale(roi, whole)
        self.tiles = tiles if gain >= least else ()

    def _groups(self, people: Sequence[Box]) -> list[Box]:
        """Boxes of people who stand apart, from left to right, at most as many as there are parts.

        Whose margins touch stand together. Once divided, half the margin does, so that two who
        are just far enough apart are not divided and joined from frame to frame.
        """
        margin = self._settings.margin * (0.5 if self.tiles else 1.0)
        groups: list[Box] = []
        for box in sorted(people, key=lambda box: box.left):
            last = groups[-1] if groups else None
            if last is not None and _gap(last, box) <= margin * (_width(last) + _width(box)):
                groups[-1] = last.union(box)
            else:
                groups.append(box)
        while len(groups) > _MOST:
            gaps = [_gap(a, b) for a, b in pairwise(groups)]
            at = gaps.index(min(gaps))
            groups[at : at + 2] = [groups[at].union(groups[at + 1])]
        return groups

    def _places(self, count: int) -> list[Rect]:
        """The input in equal parts, from left to right, at even columns."""
        ends = [round(self._columns * part / count / 2) * 2 for part in range(count + 1)]
        return [Rect(left, 0, right - left, self._rows) for left, right in pairwise(ends)]


def _gap(left: Box, right: Box) -> float:
    return right.left - left.right


def _width(box: Box) -> float:
    return box.right - box.left


def _within(place: Rect, roi: Rect) -> Rect:
    """Where in a part of the input a region goes, with black bars where the shapes differ."""
    inner = fitted(roi, place.width, place.height)
    return Rect(place.x + inner.x, place.y + inner.y, inner.width, inner.height)


def _scale(roi: Rect, inner: Rect) -> float:
    """Pixels of the input for each of the frame's, in the direction that has fewer."""
    return min(inner.width / roi.width, inner.height / roi.height)
