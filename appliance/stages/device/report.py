"""What the host learns about a frame's matte once its composite is finished."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from appliance.cuda.context import Context
from appliance.media.frame import U8, Rect
from appliance.pixels.cpu.cover import Cover
from appliance.pixels.cpu.taking_part import Component
from appliance.pixels.gpu.planes import VERDICT
from appliance.stages.participants import Sighting
from appliance.stages.roi import Box, frame_box


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on a frame's matte, as the host reads it once the composite is finished.

    Attributes:
        rect: the part of the frame that was looked at.
        grid: rows and columns of the grid over it.
        box: around the kept components, in grid pixels; None if there are none.
        count: components kept.
        refused: whether the matte was not trusted; ``cover`` then says why.
        cover: what the raw alpha amounts to.
        found: the largest components, largest first, where who takes part is to be told.
    """

    rect: Rect
    grid: tuple[int, int]
    box: Rect | None
    count: int
    refused: bool
    cover: Cover
    found: tuple[Component, ...]

    @property
    def frame_box(self) -> Box | None:
        """The box in frame pixels."""
        return frame_box(self.box, self.grid, self.rect) if self.box else None

    @property
    def sighting(self) -> Sighting:
        """What was found, for ``Participants``."""
        return Sighting(self.rect, self.grid, self.found)


class DeviceVerdict:
    """A VERDICT on the device, the host's copy of it, and the event that says when to read it."""

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
        """Record the event, as all of it has been launched. Not to be recorded into a graph."""
        with self._context.guard("marking the verdict's end"):
            self._event.record(self._context.stream)

    def report(self) -> Report:
        """What it says; waits until that has arrived."""
        self._context.wait(self._event, "waiting for the verdict")
        v = self._read.view(VERDICT)[0]
        found = (place.item() for place in v["found"][: int(v["listed"])])
        pixels = self.grid[0] * self.grid[1]
        cover = Cover(
            int(v["shows"]) / pixels, int(v["undecided"]) / pixels,
            float(v["outline"]) / math.sqrt(pixels), int(v["not_finite"]) == 0,
        )  # fmt: skip
        return Report(
            self.rect, self.grid, _rect(*v.item()[:4]) if v["count"] else None, int(v["count"]),
            bool(v["refused"]), cover,
            tuple(Component(_rect(*sides), area, most) for *sides, area, most in found),
        )  # fmt: skip


def _rect(left: int, top: int, right: int, bottom: int) -> Rect:
    return Rect(left, top, right - left, bottom - top)
