"""The memory of one size of network, and the books on which frame lies in which part of it."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.cuda.context import Context
from appliance.media.frame import F32, Colour, Rect
from appliance.pixels.gpu.planes import Tensor
from appliance.pixels.gpu.scratch import Scratch
from appliance.stages.device.report import DeviceVerdict, Report


class Slot:
    """What belongs to one of two frames: this one and the last."""

    def __init__(self, context: Context, rows: int, columns: int) -> None:
        pixels = 4 * rows * columns
        self.planes = context.alloc(3 * pixels)
        self.alpha = context.alloc(pixels)
        self.coefficients = context.alloc(2 * pixels)
        self.verdict = DeviceVerdict(context)
        self.refined = False
        """Whether ``coefficients`` are this frame's."""

    @property
    def rect(self) -> Rect:
        """The part of the frame that was looked at."""
        return self.verdict.rect

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns over it."""
        return self.verdict.grid


class GridMemory:
    """All memory of one size of network, and the books on which frame is in which part of it."""

    def __init__(
        self, context: Context, settings: Settings, tensor: Tensor, colour: Colour, *, mean: F32,
        scale: F32, bgr: bool = False,
    ) -> None:  # fmt: skip
        """Take all of it.

        Args:
            tensor: the network's input, in device memory.
            mean, scale, bgr: see ``planes_to_tensor``.
        """
        self.tensor = tensor
        rows, columns = tensor.rows, tensor.columns
        self.scratch = Scratch(
            context, rows, columns, colour=colour, mean=mean, scale=scale, bgr=bgr,
            grow=settings.clean.grow,
        )  # fmt: skip
        self._slots = (Slot(context, rows, columns), Slot(context, rows, columns))
        self.aside = context.alloc(3 * 4 * rows * columns)
        self.aside_verdict = DeviceVerdict(context)
        self.moved = context.alloc(4 * rows * columns)
        self.shift = context.alloc(3 * 4 * rows * columns)
        self.zero = context.alloc(2 * 4 * rows * columns, zero=True)
        self.frames = 0
        """Frames that were launched."""
        self.history = False
        """Whether the last frame says anything of this one."""
        self.inner: Rect | None = None
        """The part of the network's input that was filled last."""
        self.changes = 0
        """How often other settings came: what was recorded with the old ones is not replayed."""

    @property
    def this(self) -> Slot:
        """The frame's in work."""
        return self._slots[self.frames & 1]

    @property
    def last(self) -> Slot:
        """The frame's before."""
        return self._slots[self.frames + 1 & 1]

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on. Between two frames: it may wait."""
        self.changes += 1
        self.scratch.regrow(settings.clean.grow)

    def end(self, settings: Settings, *, marked: bool = True) -> None:
        """All of this frame has been launched. Not ``marked``: there will be no report on it."""
        if marked:
            self.this.verdict.mark()
        self.this.refined = settings.refine.enabled
        self.frames += 1
        self.history = True

    def report(self) -> Report:
        """The report on the frame launched last, which costs no wait once its composite is there.

        Raises:
            RuntimeError: nothing has been launched yet.
        """
        if self.frames == 0:
            raise RuntimeError("a report was asked for before any frame was launched")
        return self.last.verdict.report()
