"""The last step of a frame: where the people will be in the next one."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from appliance.config.settings import Settings
from appliance.media.frame import Format, Frame, Rect
from appliance.stages.participants import Participants, Sighting, by_participation
from appliance.stages.roi import Box, Tracker
from appliance.stages.split import Splitter
from appliance.stages.things import Things


def _with_things(work: Tracked, elsewhere: Box | None) -> Box | None:
    """The box around everybody within the ROI, and the things: the ROI is to be around both.

    While nobody is there the whole frame is looked at anyway, for whoever comes.
    """
    things = work.things.box if work.things is not None else None
    if things is None or (work.box is None and elsewhere is None):
        return work.box
    return things.union(work.box or things)


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
    def things(self) -> Things | None:
        """What else is shown."""
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
    format: Format
    tracker: Tracker
    participants: Participants
    apart: tuple[Rect, ...]


class TrackSteps:
    """Runs on the host, in either pipeline."""

    def __init__(self, common: Tracking) -> None:
        self._common = common
        self._splitter: Splitter | None = None
        self._made_for: tuple[object, ...] = ()

    def reset(self) -> None:
        """Forget the people, and who takes part."""
        self._common.tracker.reset()
        self._common.participants.reset()
        self._splitter, self._made_for, self._common.apart = None, (), ()

    def track(self, work: Tracked) -> None:
        """Tell the tracker what was found; it follows those who take part alone."""
        common, elsewhere = self._common, work.elsewhere
        known = by_participation(common.settings.clean)
        if known:
            people, now = common.participants, work.frame.pts
            if work.sighting is not None:
                people.look(now, replace(work.sighting, parts=common.apart))
            if work.aside is not None:
                elsewhere = people.look(now, work.aside, aside=True)
        common.tracker.update(_with_things(work, elsewhere), elsewhere)
        common.apart = self._split() if known else ()

    def _split(self) -> tuple[Rect, ...]:
        """The parts to look at in the next frame, if people stand far apart."""
        common, roi = self._common, self._common.settings.roi
        if not (roi.enabled and roi.split) or common.tracker.upright:
            return ()
        people = common.participants.taking
        if len(people) < 2:
            if self._splitter is not None:
                self._splitter.reset()
            return ()
        wanted = (roi, common.tracker.aspect)
        if self._splitter is None or wanted != self._made_for:
            format = common.format
            self._splitter = Splitter(roi, format.width, format.height, common.tracker.aspect)
            self._made_for = wanted
        self._splitter.update(people, common.tracker.roi)
        return self._splitter.rois
