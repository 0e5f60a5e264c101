"""The last step of a frame: where the person will be in the next one."""

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
        """The box found in the whole frame, if that was looked at."""
        ...


class Tracking(Protocol):
    """What the step needs of its pipeline's shared state."""

    tracker: Tracker


class TrackSteps:
    """Runs on the host, in either pipeline."""

    def __init__(self, common: Tracking) -> None:
        self._common = common

    def reset(self) -> None:
        """Forget the person."""
        self._common.tracker.reset()

    def track(self, work: Tracked) -> None:
        """Tell the tracker what was found."""
        self._common.tracker.update(work.box, work.elsewhere)
