"""What the host reads of a frame's matte once its composite is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.cuda.context import Context
from appliance.media.frame import U8, Rect
from appliance.pixels.gpu.planes import VERDICT
from appliance.stages.roi import Box, frame_box


@dataclass(frozen=True, slots=True)
class Report:
    """What a frame's matte came to, as the host reads it when the composite is finished.

    Attributes:
        rect: the part of the frame that was looked at.
        grid: rows and columns of the grid over it.
        box: around the kept components, in grid pixels; None for none.
        count: components kept.
        refused: why the matte was not trusted: ``""``, ``"nan"`` or ``"coverage"``.
        mean: of the raw alpha.
    """

    rect: Rect
    grid: tuple[int, int]
    box: Rect | None
    count: int
    refused: str
    mean: float

    @property
    def frame_box(self) -> Box | None:
        """The box in frame pixels."""
        return frame_box(self.box, self.grid, self.rect) if self.box else None


class DeviceVerdict:
    """A VERDICT on the device, where the host reads it, and when it may."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._buffer = context.alloc(VERDICT.itemsize, zero=True)
        self.address = self._buffer.address
        self._read: U8 = context.pinned((VERDICT.itemsize,), np.uint8)
        with context.guard("making an event"):
            self._event = context.driver.Event(context.driver.event_flags.DISABLE_TIMING)
        self.rect = Rect(0, 0, 0, 0)
        self.grid = (0, 0)

    def fetch(self) -> None:
        """Launch the copy to the host."""
        with self._context.guard("reading the verdict back"):
            self._context.driver.memcpy_dtoh_async(self._read, self.address, self._context.stream)

    def mark(self) -> None:
        """All of it has been launched. Not to be recorded into a graph."""
        with self._context.guard("marking the verdict's end"):
            self._event.record(self._context.stream)

    def report(self) -> Report:
        """What it says; waits where that is not there yet."""
        self._context.wait(self._event, "waiting for the verdict")
        v = self._read.view(VERDICT)[0]
        left, top = int(v["left"]), int(v["top"])
        width, height = int(v["right"]) - left, int(v["bottom"]) - top
        return Report(
            self.rect, self.grid, Rect(left, top, width, height) if v["count"] else None,
            int(v["count"]), ("", "nan", "coverage")[int(v["refused"])], float(v["mean"]),
        )  # fmt: skip
