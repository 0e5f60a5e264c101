"""The path of one frame on the CPU: the cascade's steps, one after another."""

from __future__ import annotations

from collections.abc import Mapping

import cv2

from appliance.config.settings import Companion, Settings
from appliance.errors import MattingError
from appliance.media.frame import U8, Format, Frame
from appliance.networks.base import Matting
from appliance.pipeline.base import Outcome
from appliance.shedding import Level
from appliance.stages.base import BackgroundFrames, Common, Work
from appliance.stages.binding import BoundCascade
from appliance.stages.composite.cpu import CompositeSteps
from appliance.stages.kernels import prepare_kernels
from appliance.stages.looks.make import Style
from appliance.stages.network.cpu import NetworkSteps
from appliance.stages.participants import Participants
from appliance.stages.plate_control import PlateControl
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock


class Pipeline:
    """Turns a live frame into a composite. Everything it needs is allocated here, once."""

    def __init__(
        self, settings: Settings, format: Format, matting: Matting, background: BackgroundFrames
    ) -> None:
        # The grids are far too small for OpenCV's thread pool to gain anything.
        cv2.setNumThreads(1)
        prepare_kernels("cpu", settings)
        self.clock = StageClock()
        spec = matting.manifest.input
        tracker = Tracker(settings.roi, format.width, format.height, spec.width / spec.height)
        people = Participants(format.width, format.height)
        self._common = Common(settings, format, self.clock, tracker, people)
        self._cascade = BoundCascade("cpu", self._common, settings)
        self._network = self._cascade.part(NetworkSteps)
        self._composite = self._cascade.part(CompositeSteps)
        self.description = ""
        """What runs the network, in words."""
        self._matted: bool | None = None
        self.use_matting(matting)
        self.use_background(background)

    @property
    def settings(self) -> Settings:
        """The settings for the next frame."""
        return self._common.settings

    @property
    def format(self) -> Format:
        """The format of every frame."""
        return self._common.format

    def use_matting(self, matting: Matting) -> None:
        """Run another network from the next frame on; starts over, as its grid differs."""
        self.description = matting.description
        self._network.use(matting)
        self.reset()

    @property
    def interpolates(self) -> bool:
        """See ``FramePipeline.interpolates``."""
        return self._cascade.runs("interpolate")

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of shedding that help here."""
        return tuple(sorted({*self._network.levels, *self._cascade.levels}))

    def shed(self, level: Level) -> None:
        """See ``FramePipeline.shed``."""
        self._common.level = level
        self._cascade.shed(level)
        self._network.shed(level)

    def use_background(self, background: BackgroundFrames) -> None:
        """Put another background behind the person from the next frame on."""
        self._composite.use(background)

    def use_style(self, style: Style | None) -> None:
        """See ``FramePipeline.use_style``."""
        self._common.style = style

    def configure(self, settings: Settings) -> None:
        """Apply new settings to every step from the next frame on."""
        if settings.clean != self._common.settings.clean:
            self._common.participants.reset()
        self._common.settings = settings
        self._common.tracker.configure(settings.roi)
        if not settings.stages.style.wanted:
            self._common.style = None
        self._cascade.configure(settings)

    def use_canvases(self, pool: object) -> None:
        """Nothing to prepare; see ``FramePipeline``."""

    def close(self) -> None:
        """Nothing to release; see ``FramePipeline``."""

    @property
    def resting(self) -> Mapping[str, str]:
        """See ``FramePipeline.resting``."""
        return self._cascade.guard.resting

    @property
    def plate(self) -> PlateControl:
        """See ``FramePipeline.plate``."""
        return self._common.plate

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        self._cascade.reset()

    def process(
        self, frame: Frame, out: Frame, matte_out: U8 | None = None, also: Frame | None = None,
        companions: Mapping[Companion, Frame] | None = None,
        also_companions: Mapping[Companion, Frame] | None = None,
    ) -> Outcome:  # fmt: skip
        """See ``FramePipeline.process``."""
        matted = frame.alpha is not None
        if frame.discontinuity or self._matted not in (matted, None):
            # A picture that brings its matte is another picture than the camera's.
            self.reset()
        self._matted = matted
        self._cascade.guard.begin(frame.pts)
        work = Work(
            frame, out, matte_out, also, companions=companions, also_companions=also_companions
        )
        try:
            for bound in self._cascade.steps:
                if bound.ready(work):
                    with self.clock(bound.step.name):
                        bound.run(work)
        except MattingError:
            self.reset()
            raise
        assert work.rect is not None
        people = work.kept.count if work.kept else 0
        return Outcome(work.rect, work.box, people, work.carried, work.made_at, work.made_beside)
