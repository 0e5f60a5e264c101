"""How the whole picture moved since the last frame, on the CPU, for either pipeline."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from appliance.config.settings import Settings
from appliance.media.frame import F32, U8, Format, Frame, Rect
from appliance.networks.flow import FlowNetwork, load_flow
from appliance.networks.loading import FILES_WAIT_S, Loading
from appliance.pixels.cpu.flow import Flow, Motion, Quality, off_at, shrink

MOST_UNEXPLAINED = 0.1
"""More than this part of a picture unexplained is a cut, or a light that was switched.

Signers' fast hands leave up to 0.07 of a picture unexplained, 0.10 over three frames; a cut to
another scene 0.2 and more."""
# Frames further apart than this have nothing to say about each other: the source was away.
_LONGEST_NS = 500_000_000


class MotionWork(Protocol):
    """What the step needs of a frame's work, on either side."""

    frame: Frame
    motion: Motion | None
    cut: bool | None


class MotionCommon(Protocol):
    """What the step needs of its pipeline's shared state."""

    settings: Settings
    format: Format


class _Estimator(Protocol):
    def look(self, frame: Frame) -> U8:
        """Take in a frame; returns its luma on the grid."""
        ...

    def origin(self) -> F32:
        """See ``Motion.origin``, of the last two frames looked at."""
        ...


class _Builtin:
    """DIS; on an upright grid for upright frames."""

    def __init__(self, quality: Quality, format: Format) -> None:
        self._flow = Flow(quality, upright=format.height > format.width)
        self._now = self._last = np.zeros((self._flow.rows, self._flow.columns), np.uint8)

    def look(self, frame: Frame) -> U8:
        """See ``_Estimator``."""
        self._last, self._now = self._now, shrink(frame.y, self._flow.columns, self._flow.rows)
        return self._now

    def origin(self) -> F32:
        """See ``_Estimator``."""
        return self._flow(self._now, self._last)


class MotionSteps:
    """Compares each frame with the last one, on a fixed grid over the whole frame."""

    def __init__(self, common: MotionCommon) -> None:
        self._common = common
        self._made_for: tuple[str, str] | None = None
        self._estimator: _Estimator | None = None
        self._loading: Loading[FlowNetwork] | None = None
        self._last: tuple[U8, Rect, int] | None = None

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a reconnect."""
        self._last = None

    def motion(self, work: MotionWork) -> None:
        """The motion since the last frame; None if there is none, or a cut lies between."""
        estimator = self._estimate_with()
        frame = work.frame
        last, self._last = self._last, None
        luma = estimator.look(frame)
        self._last = (luma, frame.rect, frame.pts)
        if last is None:
            return
        before, rect, pts = last
        elapsed = frame.pts - pts
        if rect != frame.rect or not 0 < elapsed <= _LONGEST_NS:
            work.cut = True
            return
        origin = estimator.origin()
        off = off_at(luma, before, origin)
        rest = float(off.mean())
        if rest <= MOST_UNEXPLAINED:
            work.motion = Motion(origin, rest, elapsed, off)
        else:
            work.cut = True

    def _estimate_with(self) -> _Estimator:
        """What the settings ask for; until a network is loaded, the built-in estimate.

        Raises ModelError if the network cannot be loaded.
        """
        settings = self._common.settings.stages.motion
        wanted = (settings.model, settings.quality)
        if self._estimator is None or wanted != self._made_for:
            self._estimator, self._last = _Builtin(settings.quality, self._common.format), None
            self._made_for = wanted
            self._loading = None
            if settings.model != "builtin":
                self._loading = Loading(lambda: load_flow(settings.model), settings.model)
                if self._common.settings.source_in_use.pace == "fast":
                    self._loading.wait(FILES_WAIT_S)
        if self._loading is not None:
            network = self._loading.get()
            if network is not None:
                self._estimator, self._loading, self._last = network, None, None
        return self._estimator
