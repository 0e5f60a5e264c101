"""The matte that came with the frame, on the GPU.

The twin of ``cpu``. The host knows the matte, and so the verdict, before anything is launched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.errors import MattingError
from appliance.media.frame import U8
from appliance.pixels import cpu
from appliance.pixels.gpu.crop import crop_planes
from appliance.pixels.gpu.matte import Matte
from appliance.pixels.gpu.planes import VERDICT, Plane
from appliance.stages.device.work import DeviceCommon, DeviceWork

_SLOTS = 2
"""As many as ``GridMemory`` has, so that graphs can be replayed."""


class GivenSteps:
    """Sends the source's matte as it is. Its memory is taken when the first one comes."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._given: cpu.GivenMatte | None = None
        self._sent: tuple[_SentMatte, ...] = ()

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def given(self, work: DeviceWork) -> None:
        """Where the person is, and the matte, in device memory; the verdict on it with them.

        Raises MattingError when it does not fit the frame.
        """
        alpha = work.matted
        assert alpha is not None
        assert work.live is not None
        memory, f, settings = self._common.memory, self._common.format, self._common.settings
        # As fine as the network's, whose memory it takes; but no finer than the picture's chroma.
        rows, columns = memory.scratch.rows, memory.scratch.columns
        grid = (min(rows, f.height // 2), min(columns, f.width // 2))
        if self._given is None or self._given.small.shape != grid:
            self._given = cpu.GivenMatte(f.width, f.height, grid)
            self._sent = tuple(_SentMatte(self._common, grid) for _ in range(_SLOTS))
        given, s = self._given, settings.clean
        try:
            given.take(alpha)
        except ValueError as error:
            raise MattingError(f"the frame came with {error}; its source is at fault") from error
        kept = cpu.keep_components(given.small, s.threshold, "all", s.min_area)
        this = memory.this
        this.verdict.rect, this.verdict.grid = given.rect, grid
        sent = self._sent[memory.frames % _SLOTS]
        sent.put(alpha, given, kept)
        slope, zero = Plane(this.coefficients.address, *grid), Plane(memory.zero.address, *grid)
        work.rect, work.kept = given.rect, True
        work.alpha = Plane(this.alpha.address, *grid)
        work.lead = Plane(memory.unsteadied.address, *grid)
        work.matte = Matte(
            given.rect, slope, zero, None, 0.0, this.verdict.address, sent.alpha.address
        )
        if settings.stages.harmonise.enabled:
            crop_planes(memory.scratch, work.live, given.rect, Plane(this.planes.address, *grid))


class _SentMatte:
    """One of two frames' mattes on its way to the device, and there."""

    def __init__(self, common: DeviceCommon, grid: tuple[int, int]) -> None:
        self._common, context, f = common, common.context, common.format
        self.alpha = context.alloc(f.width * f.height)
        self._whole: U8 = context.pinned((f.height, f.width), np.uint8)
        # Coefficients, alpha, and alpha as the guide's values, on the grid.
        self._small: NDArray[Any] = context.pinned((3, *grid), np.float32)
        self._verdict: NDArray[Any] = context.pinned((VERDICT.itemsize,), np.uint8)
        with context.guard("making an event"):
            self._copied = context.driver.Event(context.driver.event_flags.DISABLE_TIMING)
        self._used = False

    def put(self, alpha: U8, given: cpu.GivenMatte, kept: cpu.Kept) -> None:
        """Send it, for everything launched from now on. Not to be recorded into a graph."""
        context, memory = self._common.context, self._common.memory
        if self._used:
            # The host has waited for that frame already, unless it failed half way.
            context.wait(self._copied, "waiting for room for a matte")
        np.copyto(self._whole, alpha)
        self._small[0], self._small[1] = given.coefficients[0], given.small
        np.multiply(given.small, np.float32(255), out=self._small[2])
        self._judge(given, kept)
        this, copy, stream = memory.this, context.driver.memcpy_htod_async, context.stream
        with context.guard("uploading a matte"):
            copy(self.alpha.address, self._whole, stream)
            copy(this.coefficients.address, self._small[0], stream)
            copy(this.alpha.address, self._small[1], stream)
            copy(memory.unsteadied.address, self._small[2], stream)
            copy(this.verdict.address, self._verdict, stream)
            self._copied.record(stream)
        self._used = True

    def _judge(self, given: cpu.GivenMatte, kept: cpu.Kept) -> None:
        """The verdict that ``keep_components`` would have given: trusted, as nothing is guessed."""
        self._verdict[:] = 0
        verdict = self._verdict.view(VERDICT)[0]
        if kept.box is not None:
            box = kept.box
            verdict["left"], verdict["top"] = box.x, box.y
            verdict["right"], verdict["bottom"] = box.right, box.bottom
        verdict["count"] = kept.count
        verdict["peak"] = 1.0 if given.somebody else 0.0
