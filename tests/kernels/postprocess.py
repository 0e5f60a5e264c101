"""The CPU's matte steps by themselves, for a made-up raw alpha."""

from __future__ import annotations

from dataclasses import replace

from appliance.config.settings import Settings
from appliance.media.frame import F32, Format, Frame, Rect, blank
from appliance.stages.base import Common, Work
from appliance.stages.binding import BoundCascade, BoundStep
from appliance.stages.matte.cpu import MatteSteps
from appliance.stages.participants import Participants
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock

_STEPS = ("check", "clean", "steady", "refine", "edge")


class PostProcess:
    """From raw alpha to the matte, as in the cascade."""

    def __init__(self, settings: Settings, clock: StageClock) -> None:
        format = Format(64, 36)
        tracker = Tracker(settings.roi, format.width, format.height, 16 / 9)
        people = Participants(format.width, format.height)
        self._common = Common(settings, format, clock, tracker, people)
        self._cascade = BoundCascade("cpu", self._common, settings)

    def configure(self, settings: Settings) -> None:
        """Use other settings from the next frame on."""
        self._common.settings = settings
        self._cascade.configure(settings)

    def reset(self) -> None:
        """Forget the last frame."""
        self._cascade.part(MatteSteps).reset()

    def __call__(
        self, raw: F32, planes: F32, rect: Rect, pts: int = 0, frame: Frame | None = None
    ) -> Work:
        """What the steps made of it; ``pts`` is the frame's. Raises MattingError."""
        nothing = blank(64, 36)
        work = Work(replace(frame or nothing, pts=pts), nothing, rect=rect, planes=planes, raw=raw)
        for bound in self._steps():
            if bound.ready(work):
                bound.run(work)
        return work

    def _steps(self) -> list[BoundStep]:
        return [bound for bound in self._cascade.steps if bound.step.name in _STEPS]
