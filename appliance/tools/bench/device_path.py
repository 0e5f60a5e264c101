"""The GPU's steps by themselves: no transfers, and a raw alpha that is given."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.cuda.context import Context
from appliance.cuda.graph import Replay
from appliance.media.frame import F32, Colour, Format, Frame, Rect, blank
from appliance.media.surface import DeviceOverlay, Surface
from appliance.pixels.gpu.planes import Raw, Tensor
from appliance.stages.cascade import Step
from appliance.stages.device.memory import GridMemory
from appliance.stages.device.report import Report
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.line import Line
from appliance.stages.matte.gpu import MatteSteps
from appliance.stages.network.gpu import NetworkSteps
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock

_NOWHERE = Format(2, 2)


class _GivenSurface:
    """A surface to composite into, and to leave there."""

    def __init__(self, target: Surface) -> None:
        self.target = target

    def send(self) -> None:
        """It stays."""

    def take(self) -> Frame | None:
        """Nothing comes back."""
        return None


def _launched(step: Step) -> bool:
    return bool(step.launched) and step.name != "network"


class FramePath:
    """``look``, the network on the same stream, ``launch``, ``report``: frame by frame.

    ``look`` is ``aim`` and ``crop``, ``launch`` is ``finish`` and ``end``. ``crop`` and ``finish``
    only launch, and may be recorded; ``aim`` and ``end`` keep the books, for every frame.
    """

    def __init__(
        self, context: Context, settings: Settings, tensor: Tensor, colour: Colour, *, mean: F32,
        scale: F32, bgr: bool = False,
    ) -> None:  # fmt: skip
        """Take all memory; the arguments are ``GridMemory``'s."""
        self._memory = GridMemory(
            context, settings, tensor, colour, mean=mean, scale=scale, bgr=bgr
        )
        tracker = Tracker(settings.roi, _NOWHERE.width, _NOWHERE.height, 1.0)
        self._common = DeviceCommon(
            context, settings, _NOWHERE, StageClock(), tracker, Replay(context), self._memory
        )
        self._line = Line("gpu", self._common, settings, only=_launched)
        self._work = self._begin()

    def _begin(self) -> DeviceWork:
        frame = blank(_NOWHERE.width, _NOWHERE.height)
        return DeviceWork(frame, frame)

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on. Between two frames: it may wait."""
        self._common.settings = settings
        self._memory.configure(settings)
        self._line.configure(settings)

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a change of geometry."""
        self._line.part(MatteSteps).reset()

    def look(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """Crop ``rect`` of the frame into the part ``inner`` of the network's input.

        Raises:
            ValueError: ``rect`` or ``inner`` is not inside.
        """
        self.aim(rect, inner)
        self.crop(surface)

    def aim(self, rect: Rect, inner: Rect) -> None:
        """What ``crop`` is going to crop, and where to."""
        self._work = self._begin()
        self._line.part(NetworkSteps).aim(self._work, rect, inner)

    def crop(self, surface: Surface) -> None:
        """Crop what ``aim`` said."""
        self._work.live = surface
        self._line.part(NetworkSteps).crop(self._work)

    def look_aside(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """``look``, but for ``judge_aside``: this frame's and the last one's grids stay."""
        self._line.part(NetworkSteps).look_aside(surface, rect, inner)

    def judge_aside(self, raw: Raw) -> None:
        """Components and verdict of the network's alpha of ``look_aside``'s part."""
        self._line.part(NetworkSteps).judge_aside(raw)

    def launch(
        self, raw: Raw, frame: Surface, background: Surface, out: Surface, *,
        overlay: DeviceOverlay | None = None,
    ) -> None:  # fmt: skip
        """From the network's alpha of ``look``'s part to the composite.

        Args:
            raw: the part ``inner`` of the network's alpha.

        ``out`` is finished when all that was launched is (``Context.synchronize``).

        Raises:
            ValueError: surfaces do not fit.
        """
        self.finish(raw, frame, background, out, overlay=overlay)
        self.end()

    def finish(
        self, raw: Raw, frame: Surface, background: Surface, out: Surface, *,
        overlay: DeviceOverlay | None = None,
    ) -> None:  # fmt: skip
        """See ``launch``."""
        work = self._work
        work.raw, work.live, work.behind, work.overlay = raw, frame, background, overlay
        work.way = _GivenSurface(out)
        work.moved = None
        for bound in self._line.steps:
            if bound.step.name != "crop":
                bound.run(work)

    def end(self, *, marked: bool = True) -> None:
        """All of this frame has been launched. Not ``marked``: there will be no report on it."""
        self._memory.end(self._common.settings, marked=marked)

    def report(self) -> Report:
        """The report on the frame launched last. Raises RuntimeError before the first."""
        return self._memory.report()

    def report_aside(self) -> Report:
        """The report on the last look aside."""
        return self._memory.aside_verdict.report()
