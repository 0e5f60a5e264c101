"""Small things between host and device: the map down, what was seen up, a frame late."""

from __future__ import annotations

import numpy as np

from appliance.cuda.context import Buffer, Context
from appliance.media.frame import F32, U8, Rect
from appliance.stages.device.memory import Slot


class DeviceMatrix:
    """A 3x4 matrix on the device; ``address`` never moves, so that graphs can be replayed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._mapped = context.integrated
        self._staged: F32
        if self._mapped:
            self._staged, self.address = context.mapped((3, 4), np.float32)
        else:
            self._staged = context.pinned((3, 4), np.float32)
            self._buffer = context.alloc(self._staged.nbytes, zero=True)
            self.address = self._buffer.address
        self._staged[:] = 0

    def put(self, matrix: F32) -> None:
        """Have this one there. Not to be recorded; the frame before must be finished."""
        if np.array_equal(self._staged, matrix):
            return
        self._staged[:] = matrix
        if self._mapped:
            return
        with self._context.guard("sending the colours' map"):
            self._context.driver.memcpy_htod_async(self.address, self._staged, self._context.stream)


class SeenThere:
    """What the person and the scene looked like in one frame, on its way to the host."""

    def __init__(self, context: Context, grid: tuple[int, int]) -> None:
        """``grid``: rows and columns of the picture behind, made small."""
        self._context = context
        self._luma: U8 = context.pinned(grid, np.uint8)
        self._chroma: U8 = context.pinned((*grid, 2), np.uint8)
        self._person: F32 | None = None
        with context.guard("making an event"):
            self._event = context.driver.Event(context.driver.event_flags.DISABLE_TIMING)
        self._of: tuple[Rect, tuple[int, int]] | None = None

    def forget(self) -> None:
        """What is on its way is not wanted any more."""
        self._of = None

    def fetch(self, slot: Slot, luma: Buffer, chroma: Buffer) -> None:
        """Launch the copies. Not to be recorded into a graph."""
        rows, columns = slot.grid
        cells = rows * columns
        if self._person is None or self._person.size < 4 * cells:
            self._person = self._context.pinned((4 * cells,), np.float32)
        copy, stream = self._context.driver.memcpy_dtoh_async, self._context.stream
        with self._context.guard("reading back what was seen"):
            copy(self._person[: 3 * cells], slot.planes.address, stream)
            copy(self._person[3 * cells : 4 * cells], slot.alpha.address, stream)
            copy(self._luma, luma.address, stream)
            copy(self._chroma, chroma.address, stream)
            self._event.record(stream)
        self._of = (slot.rect, slot.grid)

    def read(self) -> tuple[F32, F32, Rect, U8, U8] | None:
        """Planes, alpha and where they are from; the small luma and chroma. None: not yet there."""
        if self._of is None or self._person is None:
            return None
        with self._context.guard("asking for what was seen"):
            if not self._event.query():
                return None
        (rect, (rows, columns)), self._of = self._of, None
        cells = rows * columns
        planes = self._person[: 3 * cells].reshape(3, rows, columns)
        alpha = self._person[3 * cells : 4 * cells].reshape(rows, columns)
        return planes, alpha, rect, self._luma, self._chroma
