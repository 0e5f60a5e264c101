"""The person and the things, as one matte, on the GPU.

Where the things are is found on the CPU (``cpu.SelectSteps``); their share of each pixel goes up.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from appliance.cuda.context import Buffer
from appliance.media.frame import F32
from appliance.pixels import cpu
from appliance.pixels.gpu.join import join_things
from appliance.pixels.gpu.planes import Plane
from appliance.stages.device.work import DeviceCommon, DeviceWork


class JoinSteps:
    """Joins them. Its memory is taken when it is first wanted; a larger grid takes new."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._staged: F32 = np.empty(0, np.float32)
        self._buffer: Buffer | None = None
        self._address = 0
        self._empty = False

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Send the things up, on the grid over this frame's ROI. The frame before is finished."""
        assert work.rect is not None
        grid = self._common.memory.this.grid
        self._room()
        staged = self._staged[: grid[0] * grid[1]]
        if work.things is None:
            if self._empty:
                return
            self._staged[:] = 0
            staged = self._staged
        else:
            rect = work.frame.rect
            there = cpu.resample(work.things.share, rect, work.rect, grid, 0.0)
            np.copyto(staged.reshape(grid), there)
        self._empty = work.things is None
        context = self._common.context
        if not context.integrated:
            with context.guard("sending where things are"):
                context.driver.memcpy_htod_async(self._address, staged, context.stream)

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        return (self._address, self._common.settings.stages.select.person)

    def join(self, work: DeviceWork) -> None:
        """The things beside the person, or instead of them, in place."""
        assert work.alpha is not None
        assert work.raw is not None
        things = Plane(self._address, *work.alpha.grid)
        person = self._common.settings.stages.select.person
        join_things(self._common.memory.scratch, work.alpha, work.raw, things, person=person)

    def _room(self) -> None:
        """Memory for the largest grid there may be, on both sides."""
        context, scratch = self._common.context, self._common.memory.scratch
        needed = scratch.rows * scratch.columns
        if self._staged.size >= needed:
            return
        if context.integrated:
            self._staged, self._address = context.mapped((needed,), np.float32)
        else:
            self._staged = context.pinned((needed,), np.float32)
            self._buffer = context.alloc(4 * needed)
            self._address = self._buffer.address
        self._empty = False
