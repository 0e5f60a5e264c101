"""Where the poses come from: the driving clip as it plays, or what is known of it already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, InputError
from appliance.media.frame import F32, Format
from appliance.sources.file import FileSource
from appliance.sources.puppet import landmarks as lm
from appliance.sources.puppet.track import Recorder, Track
from appliance.sources.puppet.tracker import PoseTracker

DRIVE = "the driving clip of a puppet,"
"""What errors call it, before its path."""

# The usual pose is the mean of so many seconds.
_USUAL_S = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class DrivingStep:
    """One picture of the clip: whoever's pose is in it, None for nobody's; see ``Frame``."""

    pose: F32 | None
    pts: int
    duration: int
    restart: bool


class DrivingMotion(Protocol):
    """A driving clip, played."""

    size: tuple[int, int]
    fps: tuple[int, int]
    """Of the clip's pictures, and its rate."""

    @property
    def usual(self) -> F32 | None:
        """The person's usual pose, as far as it is known; None before anybody was seen."""
        ...

    @property
    def length_s(self) -> float | None:
        """How long it plays, seconds; None while that is not known."""
        ...

    def read(self, timeout: float) -> DrivingStep | None:
        """The next picture's; None after ``timeout`` seconds. Raises as ``Source.read`` does."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


class Played:
    """The clip itself, looked at picture by picture."""

    def __init__(
        self, settings: SourceSettings, clip: Path, tracker: PoseTracker,
        known: Callable[[Track], None],
    ) -> None:  # fmt: skip
        """Open the clip. ``known`` gets its motion once it has been played to its end.

        Raises as ``Source.open`` does.
        """
        self._source = FileSource(settings, clip, use=DRIVE)
        self._clip, self._tracker, self._known = clip, tracker, known
        opened: Format = self._source.open(None)
        self.size, self.fps = (opened.width, opened.height), opened.fps
        self._recorder: Recorder | None = Recorder(self.fps, self.size)
        self._sum = np.zeros((lm.COUNT, 4), np.float64)
        self._count, self._first, self._seen = 0, True, False

    @property
    def usual(self) -> F32 | None:
        """See ``DrivingMotion.usual``: the mean, so far, of the first seconds."""
        return (self._sum / self._count).astype(np.float32) if self._count else None

    @property
    def length_s(self) -> float | None:
        """See ``DrivingMotion.length_s``."""
        return self._source.length_s

    def read(self, timeout: float) -> DrivingStep | None:
        """See ``DrivingMotion.read``."""
        try:
            frame = self._source.read(timeout)
        except EndOfStream:
            self._finish()
            raise
        if frame is None:
            return None
        if frame.discontinuity and not self._first:
            self._finish()
        if frame.discontinuity:
            self._tracker.reset()
        self._first = False
        pose = self._tracker(frame)
        if pose is not None and not lm.is_whole(pose):
            pose = None
        if pose is not None and self._count < _USUAL_S * self.fps[0] / self.fps[1]:
            self._sum += pose
            self._count += 1
        if self._recorder is not None:
            self._recorder.add(pose, frame.pts, frame.duration)
        return DrivingStep(pose, frame.pts, frame.duration, frame.discontinuity)

    def _finish(self) -> None:
        recorder, self._recorder = self._recorder, None
        track = recorder.track() if recorder is not None else None
        if track is not None:
            self._known(track)
            if track.usual is None:
                raise nobody(self._clip, len(track.pts))

    def close(self) -> None:
        """See ``DrivingMotion.close``."""
        self._source.close()


class Replayed:
    """What is known of the clip, without opening it."""

    def __init__(self, settings: SourceSettings, clip: Path, track: Track, first: int = 0) -> None:
        """``first``: the picture to begin with. Raises InputError where nobody is in it."""
        self.size, self.fps, self._track = track.size, track.fps, track
        self._loop, self._clip, self._next = bool(settings.loop), clip, first
        self._round = first == 0
        self._usual = track.usual
        if self._usual is None:
            raise nobody(clip, len(track.pts))

    @property
    def usual(self) -> F32 | None:
        """See ``DrivingMotion.usual``: the median of all."""
        return self._usual

    @property
    def length_s(self) -> float | None:
        """See ``DrivingMotion.length_s``."""
        return float(self._track.pts[-1] + self._track.durations[-1] - self._track.pts[0]) / 1e9

    def read(self, timeout: float) -> DrivingStep | None:
        """See ``DrivingMotion.read``."""
        track = self._track
        if self._next == len(track.pts):
            if not self._loop:
                raise EndOfStream(f"{DRIVE} {str(self._clip)!r}: played to its end")
            self._next, self._round = 0, True
        n, self._next = self._next, self._next + 1
        restart, self._round = self._round, False
        pose = track.poses[n]
        return DrivingStep(
            pose if lm.is_whole(pose) else None, int(track.pts[n]), int(track.durations[n]), restart
        )

    def close(self) -> None:
        """See ``DrivingMotion.close``."""


def nobody(clip: Path, pictures: int) -> InputError:
    """That nobody is in a clip."""
    return InputError(
        f"{DRIVE} {str(clip)!r}: no person was found in any of its {pictures} pictures; expected "
        "one person, head and shoulders in view, at least a third of the picture tall"
    )
