"""The GPU's steps by themselves: no transfers, and a given raw alpha."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.cuda.context import Context
from appliance.media.frame import F32, Colour, Format, Frame, Rect, blank
from appliance.media.surface import Surface
from appliance.pixels.gpu.planes import Raw, Tensor
from appliance.stages.binding import BoundCascade
from appliance.stages.cascade import Step
from appliance.stages.device.look import DeviceInput
from appliance.stages.device.memory import GridMemory
from appliance.stages.device.report import Report
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.matte.gpu import MatteSteps
from appliance.stages.network.gpu import NetworkSteps
from appliance.stages.participants import Participants
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock

_NOWHERE = Format(2, 2)


class _GivenSurface:
    """A surface to composite into; the result stays there."""

    def __init__(self, target: Surface) -> None:
        self.target = target

    def send(self) -> None:
        """Nothing to send: it stays."""

    def take(self) -> Frame | None:
        """Nothing comes back."""
        return None


def _launched(step: Step) -> bool:
    return bool(step.launched) and step.name != "network"


class FramePath:
    """For each frame: ``look``, the network on the same stream, ``launch``, ``report``.

    ``look`` is ``aim`` and ``crop``, ``launch`` is ``finish`` and ``end``. ``crop`` and ``finish``
    only launch, and may be recorded; ``aim`` and ``end`` do the bookkeeping for every frame.
    """

    def __init__(
        self, context: Context, settings: Settings, tensor: Tensor, colour: Colour, *, mean: F32,
        scale: F32, bgr: bool = False,
    ) -> None:  # fmt: skip
        """Allocate all memory; the arguments are those of ``GridMemory``.

        ``tensor``: the network's input, in device memory.
        """
        self._input = DeviceInput(tensor)
        size = (tensor.rows, tensor.columns)
        self._memory = GridMemory(context, settings, size, colour, mean=mean, scale=scale, bgr=bgr)
        tracker = Tracker(settings.roi, _NOWHERE.width, _NOWHERE.height, 1.0)
        self._common = DeviceCommon(
            context,
            settings,
            _NOWHERE,
            StageClock(),
            tracker,
            Participants(_NOWHERE.width, _NOWHERE.height),
            self._memory,
        )
        self._cascade = BoundCascade("gpu", self._common, settings, only=_launched)
        self._work = self._begin()

    def _begin(self) -> DeviceWork:
        frame = blank(_NOWHERE.width, _NOWHERE.height)
        return DeviceWork(frame, frame)

    def configure(self, settings: Settings) -> None:
        """Use other settings from the next frame on. Call between two frames: it may block."""
        self._common.settings = settings
        self._memory.configure(settings)
        self._cascade.configure(settings)

    def reset(self) -> None:
        """Forget the last frame, after a cut, a failure or a change of geometry."""
        self._cascade.part(MatteSteps).reset()

    def look(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """Crop ``rect`` of the frame into the ``inner`` part of the network's input.

        Raises:
            ValueError: ``rect`` or ``inner`` is out of bounds.
        """
        self.aim(rect, inner)
        self.crop(surface)

    def aim(self, rect: Rect, inner: Rect) -> None:
        """Set what ``crop`` will crop, and where to."""
        self._work = self._begin()
        self._cascade.part(NetworkSteps).aim(self._work, rect, inner, self._input)

    def crop(self, surface: Surface) -> None:
        """Crop what ``aim`` set."""
        self._work.live = surface
        self._cascade.part(NetworkSteps).crop(self._work)

    def look_aside(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """``look`` for ``judge_aside``: the grids of this frame and the last are untouched."""
        self._cascade.part(NetworkSteps).look_aside(surface, rect, inner, self._input)

    def judge_aside(self, raw: Raw) -> None:
        """Components and verdict for the network's alpha of what ``look_aside`` cropped."""
        self._cascade.part(NetworkSteps).judge_aside(raw)

    def launch(self, raw: Raw, frame: Surface, background: Surface, out: Surface) -> None:
        """From the network's alpha of the part that ``look`` cropped, to the composite.

        Args:
            raw: the ``inner`` part of the network's alpha.

        ``out`` is finished once everything launched is (``Context.synchronize``).

        Raises:
            ValueError: the surfaces do not match.
        """
        self.finish(raw, frame, background, out)
        self.end()

    def finish(self, raw: Raw, frame: Surface, background: Surface, out: Surface) -> None:
        """See ``launch``."""
        work = self._work
        work.raw, work.live, work.behind = raw, frame, background
        work.way = _GivenSurface(out)
        work.moved = None
        for bound in self._cascade.steps:
            if bound.step.name != "crop":
                bound.run(work)

    def end(self, *, marked: bool = True) -> None:
        """Note that this frame is fully launched. Unless ``marked``, it will have no report."""
        self._memory.end(self._common.settings, marked=marked)

    def report(self) -> Report:
        """The report on the frame launched last. Raises RuntimeError before the first."""
        return self._memory.report()

    def report_aside(self) -> Report:
        """The report on the last ``look_aside``."""
        return self._memory.aside_verdict.report()
