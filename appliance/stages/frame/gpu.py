"""The person framed, on the GPU.

Where they are the host learns with the finished frame; so each is shown as the one before asks for.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from appliance.cuda.context import Buffer
from appliance.cuda.transfer import pitched
from appliance.media.frame import F32
from appliance.media.surface import Surface
from appliance.pixels.cpu.affine import Viewport
from appliance.pixels.gpu.affine import DeviceViewport, warp_layer
from appliance.pixels.gpu.layer import PersonLayer
from appliance.pixels.gpu.projection import column_sums
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.frame.framer import Framer
from appliance.stages.frame.subject import subject_in
from appliance.stages.participants import by_participation


class FrameSteps:
    """Moves the person's layer to where it belongs. Two memories take turns, as in ``layer``."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        f, context = common.format, common.context
        self._settings = common.settings.stages.frame
        self._framer = Framer(self._settings, f.width, f.height)
        self._fronts: tuple[Surface, ...] = (pitched(context, f), pitched(context, f))
        self._alphas = tuple(context.alloc(f.width * f.height) for _ in range(2))
        self._turn = 0
        self._view, self._there = Viewport(), DeviceViewport(context)
        self._sums: Buffer | None = None
        self._read: F32 = np.empty(0, np.float32)

    def reset(self) -> None:
        """After a cut: whoever is found next is framed at once."""
        self._framer.reset()

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Where the last frame's people are to be shown, and the memory for it."""
        assert work.layer is not None
        settings = self._common.settings.stages.frame
        if settings != self._settings:
            self._settings = settings
            self._framer.configure(settings)
        self._room()
        work.view = self._view = self._framer.at(work.frame.pts)
        if not self._view.plain:
            self._there.put(self._view, work.layer.rect, self._common.format.rect)

    def end(self, work: DeviceWork) -> None:
        """The layer for those who come after; the other memory is for the next frame."""
        if not self._view.plain:
            work.layer = self._moved()
        self._turn = 1 - self._turn

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        sums = self._sums.address if self._sums else 0
        return (self._turn, self._view.plain, sums, self._common.memory.this.grid)

    def frame(self, work: DeviceWork) -> None:
        """The layer as the canvas is to show it; and how much of them stands where."""
        assert work.layer is not None
        assert work.alpha is not None
        assert self._sums is not None
        context = self._common.context
        if not self._view.plain:
            # Not before: until here it is what is to be moved.
            source, work.layer = work.layer, self._moved()
            warp_layer(context, source, self._there, work.layer)
        column_sums(context, work.alpha, self._sums.address)
        with context.guard("reading back where people are"):
            context.driver.memcpy_dtoh_async(self._read, self._sums.address, context.stream)

    def aim(self, work: DeviceWork) -> None:
        """Take in where they are, now that the frame is finished."""
        report, common = work.report, self._common
        if report is None or report.frame_box is None:
            self._framer.see(work.frame.pts, None)
            return
        people = common.participants.taking if by_participation(common.settings.clean) else []
        sums = self._read[: report.grid[1]]
        several = len(people) > 1
        self._framer.see(
            work.frame.pts, subject_in(report.frame_box, sums, report.rect, several=several)
        )

    def _moved(self) -> PersonLayer:
        """Where this frame's people go: anywhere on the canvas, so that graphs can be replayed."""
        whole, alpha = self._common.format.rect, self._alphas[self._turn]
        return PersonLayer(self._fronts[self._turn], alpha.address, whole.width, whole)

    def _room(self) -> None:
        """Memory for the sums of as many columns as the network's grids have."""
        context, scratch = self._common.context, self._common.memory.scratch
        most = max(scratch.rows, scratch.columns)
        if self._sums is None or self._read.size < most:
            self._sums = context.alloc(4 * most)
            self._read = context.pinned((most,), np.float32)
