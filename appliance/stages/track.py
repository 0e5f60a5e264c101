"""The last step of a frame: where the person will be in the next one."""

from __future__ import annotations

from typing import Protocol

from appliance.config.settings import Settings
from appliance.media.frame import Frame
from appliance.stages.participants import Participants, Sighting, by_participation
from appliance.stages.roi import Box, Tracker


class Tracked(Protocol):
    """What the step needs of a frame's work."""

    @property
    def frame(self) -> Frame:
        """The frame."""
        ...

    @property
    def box(self) -> Box | None:
        """The person's box within the ROI; None when nobody is there."""
        ...

    @property
    def elsewhere(self) -> Box | None:
        """The box found in the whole frame, if that was looked at."""
        ...

    @property
    def sighting(self) -> Sighting | None:
        """What was found within the ROI."""
        ...

    @property
    def aside(self) -> Sighting | None:
        """What was found in the whole frame, if that was looked at."""
        ...


class Tracking(Protocol):
    """What the step needs of its pipeline's shared state."""

    settings: Settings
    tracker: Tracker
    participants: Participants


class TrackSteps:
    """Runs on the host, in either pipeline."""

    def __init__(self, common: Tracking) -> None:
        self._common = common

    def reset(self) -> None:
        """Forget the person, and who takes part."""
        self._common.tracker.reset()
        self._common.participants.reset()

    def track(self, work: Tracked) -> None:
        """Tell the tracker what was found; it follows those who take part alone."""
        elsewhere = work.elsewhere
        if by_participation(self._common.settings.clean):
            people, now = self._common.participants, work.frame.pts
            if work.sighting is not None:
                people.look(now, work.sighting)
            if work.aside is not None:
                elsewhere = people.look(now, work.aside, aside=True)
        self._common.tracker.update(work.box, elsewhere)
