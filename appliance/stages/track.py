"""The last step of a frame: where the person is going to be in the next one."""

from __future__ import annotations

from typing import Protocol

from appliance.stages.roi import Box, Tracker


class Tracked(Protocol):
    """What the step needs of a frame's work."""

    @property
    def box(self) -> Box | None:
        """The person's box within the ROI; None when nobody is there."""
        ...

    @property
    def elsewhere(self) -> Box | None:
        """The box found in the whole frame, where that was looked at."""
        ...


class Tracking(Protocol):
    """What the step needs of what its pipeline shares."""

    tracker: Tracker


class TrackSteps:
    """Host's work on either side."""

    def __init__(self, common: Tracking) -> None:
        self._common = common

    def reset(self) -> None:
        """Forget the person."""
        self._common.tracker.reset()

    def track(self, work: Tracked) -> None:
        """Take in what was found."""
        self._common.tracker.update(work.box, work.elsewhere)
