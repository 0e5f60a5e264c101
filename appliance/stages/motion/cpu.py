"""How the whole picture moved since the last frame, on the CPU."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import U8
from appliance.pixels.cpu.flow import Flow, Motion, unexplained
from appliance.stages.base import Common, Work

_COLUMNS, _ROWS = 256, 144
# See propagate/cpu.py: more than this is a cut, or a light that was switched.
_MOST_UNEXPLAINED = 0.1


class MotionSteps:
    """Compares each frame with the last one, on a fixed grid over the whole frame."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._flow = Flow()
        self._last: tuple[U8, int] | None = None

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a reconnect."""
        self._last = None

    def motion(self, work: Work) -> None:
        """The motion since the last frame; None if there is none, or a cut lies between."""
        size = (_COLUMNS, _ROWS)
        luma = np.asarray(cv2.resize(work.frame.y, size, interpolation=cv2.INTER_AREA), np.uint8)
        last, self._last = self._last, (luma, work.frame.pts)
        if last is None:
            return
        before, pts = last
        origin = self._flow(luma, before)
        rest = unexplained(luma, before, origin)
        if rest <= _MOST_UNEXPLAINED:
            work.motion = Motion(origin, rest, work.frame.pts - pts)
