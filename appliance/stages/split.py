"""People far apart: each looked at closely, side by side in the network's input.

One look at a region around people who stand far apart shows them small, with the room between
them in most of the input. Instead the input is divided into equal parts along its width, and each
part gets the region of one group of people. That costs no second run of the network, and what it
gives is put together again on the grid of the region around all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from appliance.config.settings import RoiSettings
from appliance.media.frame import Rect
from appliance.stages.letterbox import fitted
from appliance.stages.roi import Box, Tracker
from appliance.stages.shape import detail

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


def places(count: int, rows: int, columns: int) -> list[Rect]:
    """An input of ``rows`` x ``columns`` in equal parts, from left to right, at even columns."""
    ends = [round(columns * part / count / 2) * 2 for part in range(count + 1)]
    return [Rect(left, 0, right - left, rows) for left, right in pairwise(ends)]


def tiles(rois: Sequence[Rect], rows: int, columns: int) -> tuple[Tile, ...]:
    """Parts of the frame, each with its place in an input; black bars where the shapes differ."""
    made: list[Tile] = []
    if not rois:
        return ()
    for roi, place in zip(rois, places(len(rois), rows, columns), strict=True):
        inner = fitted(roi, place.width, place.height)
        made.append(Tile(roi, replace(inner, x=place.x + inner.x, y=place.y + inner.y)))
    return tuple(made)


class Splitter:
    """Chooses, a frame ahead, whether the network's input is divided, and what each part shows.

    Read ``rois``, from left to right: none means one look at the ROI. Then call ``update`` with
    the people found.
    """

    def __init__(self, settings: RoiSettings, width: int, height: int, aspect: float) -> None:
        """For frames of ``width`` x ``height``; ``aspect``: the input's width over height."""
        self._settings = settings
        self._frame = (width, height)
        self._aspect = aspect
        self._trackers: list[Tracker] = []
        self.rois: tuple[Rect, ...] = ()

    def reset(self) -> None:
        """One look at the ROI, until people are found apart again."""
        self._trackers = []
        self.rois = ()

    def update(self, people: Sequence[Box], roi: Rect) -> None:
        """Take in everybody's boxes, frame pixels, and the next frame's region around them all."""
        groups = self._groups(people)
        if len(groups) < 2:
            self.reset()
            return
        aspect = self._aspect / len(groups)
        if len(self._trackers) != len(groups):
            self.rois = ()
            self._trackers = [Tracker(self._settings, *self._frame, aspect) for _ in groups]
        for tracker, box in zip(self._trackers, groups, strict=True):
            tracker.update(box)
        rois = tuple(tracker.roi for tracker in self._trackers)
        least = (_GO_ON if self.rois else _BEGIN)[len(rois)]
        # A part has as much less of the input's pixels as there are parts.
        closest = min(detail(part, aspect) for part in rois) / math.sqrt(len(rois))
        gain = closest / detail(roi, self._aspect)
        self.rois = rois if gain >= least else ()

    def _groups(self, people: Sequence[Box]) -> list[Box]:
        """Boxes of people who stand apart, from left to right, at most as many as there are parts.

        Whose margins touch stand together. Once divided, half the margin does, so that two who
        are just far enough apart are not divided and joined from frame to frame.
        """
        margin = self._settings.margin * (0.5 if self.rois else 1.0)
        groups: list[Box] = []
        for box in sorted(people, key=lambda box: box.left):
            last = groups[-1] if groups else None
            if last is not None and box.left - last.right <= margin * (last.width + box.width):
                groups[-1] = last.union(box)
            else:
                groups.append(box)
        while len(groups) > _MOST:
            gaps = [after.left - before.right for before, after in pairwise(groups)]
            at = gaps.index(min(gaps))
            groups[at : at + 2] = [groups[at].union(groups[at + 1])]
        return groups
