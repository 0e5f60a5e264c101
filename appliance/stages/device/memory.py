"""The memory for one network size, and the record of which frame is in which part of it."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.cuda.context import Context
from appliance.media.frame import F32, Colour, Rect
from appliance.pixels.gpu.scratch import Scratch
from appliance.pixels.gpu.taking_part import KnownPeople
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
        """Rows and columns of the grid over it."""
        return self.verdict.grid


class GridMemory:
    """All memory for one network size, and the record of which frame is in which part of it."""

    def __init__(
        self, context: Context, settings: Settings, size: tuple[int, int], colour: Colour, *,
        mean: F32, scale: F32, bgr: bool = False,
    ) -> None:  # fmt: skip
        """Allocate all of it.

        Args:
            size: rows and columns of the network's input.
            mean, scale, bgr: see ``planes_to_tensor``.
        """
        rows, columns = size
        self.scratch = Scratch(
            context, rows, columns, colour=colour, mean=mean, scale=scale, bgr=bgr,
            grow=settings.clean.grow,
        )  # fmt: skip
        self._slots = (Slot(context, rows, columns), Slot(context, rows, columns))
        self.aside = context.alloc(3 * 4 * rows * columns)
        self.aside_verdict = DeviceVerdict(context)
        self.known = KnownPeople(context)
        self.joined = context.alloc(4 * rows * columns)
        """Alpha over the ROI, put together from parts of it."""
        self.moved = context.alloc(4 * rows * columns)
        self.unsteadied = context.alloc(4 * rows * columns)
        """This frame's alpha before it is steadied into its slot."""
        self.shift = context.alloc(3 * 4 * rows * columns)
        self.zero = context.alloc(2 * 4 * rows * columns, zero=True)
        self.frames = 0
        """Frames launched so far."""
        self.history = False
        """Whether the last frame says anything about this one."""
        self.changes = 0
        """How often the settings changed: graphs recorded with old ones are not replayed."""

    @property
    def this(self) -> Slot:
        """The current frame's slot."""
        return self._slots[self.frames & 1]

    @property
    def last(self) -> Slot:
        """The previous frame's slot."""
        return self._slots[self.frames + 1 & 1]

    def configure(self, settings: Settings) -> None:
        """Apply new settings from the next frame on. To be called between two frames: may wait."""
        self.changes += 1
        self.scratch.regrow(settings.clean.grow)

    def end(self, settings: Settings, *, marked: bool = True) -> None:
        """Note that this frame is fully launched. Without ``marked`` it will have no report."""
        if marked:
            self.this.verdict.mark()
        self.this.refined = settings.refine.enabled
        self.frames += 1
        self.history = True

    def report(self) -> Report:
        """The report on the frame launched last; no wait once its composite is finished.

        Raises:
            RuntimeError: nothing has been launched yet.
        """
        if self.frames == 0:
            raise RuntimeError("a report was asked for before any frame was launched")
        return self.last.verdict.report()
