"""The CPU's steps of the matte by themselves, for a raw alpha that is made up."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.media.frame import F32, Format, Rect, blank
from appliance.stages.base import Common, Work
from appliance.stages.line import BoundStep, Line
from appliance.stages.matte.cpu import MatteSteps
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock

_STEPS = ("check", "clean", "steady", "refine")


class PostProcess:
    """From raw alpha to the matte, as the cascade has it."""

    def __init__(self, settings: Settings, clock: StageClock) -> None:
        format = Format(64, 36)
        tracker = Tracker(settings.roi, format.width, format.height, 16 / 9)
        self._common = Common(settings, format, clock, tracker)
        self._line = Line("cpu", self._common, settings)

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on."""
        self._common.settings = settings
        self._line.configure(settings)

    def reset(self) -> None:
        """Forget the last frame."""
        self._line.part(MatteSteps).reset()

    def __call__(self, raw: F32, planes: F32, rect: Rect) -> Work:
        """What the steps made of it. Raises MattingError."""
        nothing = blank(64, 36)
        work = Work(nothing, nothing, rect=rect, planes=planes, raw=raw)
        for bound in self._steps():
            if bound.ready(work):
                bound.run(work)
        return work

    def _steps(self) -> list[BoundStep]:
        return [bound for bound in self._line.steps if bound.step.name in _STEPS]
