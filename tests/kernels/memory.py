"""Pictures and planes in device memory, for tests: the emulated GPU's, or a real one's."""

from __future__ import annotations

from typing import Any

import numpy as np

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.gpu import VERDICT, Buffer, Context, Plane, Raw, Surface


class Rows:
    """A picture's rows in device memory at any offset and pitch, with guard bytes between them."""

    def __init__(self, memory: Memory, rows: U8, pad: int, offset: int) -> None:
        height, width = rows.shape
        self.pitch = width + pad
        self._shape, self._offset, self._memory = (height, width), offset, memory
        # No padding after the last row: there AddressSanitizer keeps watch.
        whole = np.full(offset + self.pitch * (height - 1) + width, 0x5A, np.uint8)
        self._view(whole)[:] = rows
        self._buffer = memory.context.upload(whole)
        self._before = whole
        self.address = self._buffer.at(offset)

    def _view(self, whole: U8) -> U8:
        return np.lib.stride_tricks.as_strided(whole[self._offset :], self._shape, (self.pitch, 1))

    def read(self) -> U8:
        """The rows now; nothing beside them may have changed."""
        whole = np.empty_like(self._before)
        self._memory.context.download(self._buffer, whole)
        rows = self._view(whole).copy()
        self._view(whole)[:] = self._view(self._before)
        assert np.array_equal(whole, self._before), "bytes between the rows were written to"
        return rows


class Picture:
    """An NV12 frame in device memory."""

    def __init__(self, memory: Memory, frame: Frame, pad: int, offset: int) -> None:
        self._frame = frame
        self._y = Rows(memory, frame.y, pad, offset)
        self._uv = Rows(memory, frame.uv.reshape(frame.uv.shape[0], -1), pad, offset)
        self.surface = Surface(
            "nv12", frame.width, frame.height, self._y.address, self._y.pitch, self._uv.address,
            self._uv.pitch, frame.colour,
        )  # fmt: skip

    def read(self) -> Frame:
        """The frame now."""
        uv = self._uv.read().reshape(self._frame.uv.shape)
        return Frame(self._y.read(), uv, self._frame.colour)


class Memory:
    """A context with ways to put arrays there and get them back."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._kept: list[object] = []

    def _keep(self, array: np.ndarray) -> Buffer:
        buffer = self.context.upload(array)
        self._kept.append(buffer)
        return buffer

    def picture(self, frame: Frame, pad: int = 0, offset: int = 0) -> Picture:
        """A frame, its rows ``pad`` bytes apart, ``offset`` bytes off alignment."""
        picture = Picture(self, frame, pad, offset)
        self._kept.append(picture)
        return picture

    def rows(self, rows: U8, pad: int = 0, offset: int = 0) -> Rows:
        """Rows of bytes, likewise."""
        kept = Rows(self, rows, pad, offset)
        self._kept.append(kept)
        return kept

    def plane(self, array: F32) -> Plane:
        """Float planes (count, rows, columns) or one (rows, columns)."""
        buffer = self._keep(np.ascontiguousarray(array, np.float32))
        return Plane(buffer.address, array.shape[-2], array.shape[-1])

    def empty(self, count: int, rows: int, columns: int) -> Plane:
        """Float planes full of NaN."""
        return self.plane(np.full((count, rows, columns), np.nan, np.float32))

    def read(self, plane: Plane, count: int = 1) -> F32:
        """Planes as an array (count, rows, columns)."""
        out = np.empty((count, plane.rows, plane.columns), np.float32)
        self.context.download(Buffer(plane.address, out.nbytes), out)
        return out

    def read_as(self, buffer: Buffer, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Any buffer as an array."""
        out = np.empty(shape, dtype)
        self.context.download(buffer, out)
        return out

    def buffer(self, array: np.ndarray) -> Buffer:
        """Any array."""
        return self._keep(array)

    def raw(self, alpha: F32, *, pad: int = 0, half: bool = False) -> Raw:
        """A network's alpha with ``pad`` elements (NaN) after each row but the last."""
        rows, columns = alpha.shape
        whole = np.full((rows, columns + pad), np.nan, np.float16 if half else np.float32)
        whole[:, :columns] = alpha
        tight = whole.reshape(-1)[: rows * (columns + pad) - pad]
        buffer = self._keep(tight)
        return Raw(buffer.address, columns + pad, rows, columns, half)

    def verdict(self) -> Buffer:
        """A verdict that holds rubbish."""
        return self._keep(np.full(VERDICT.itemsize, 0xA5, np.uint8))

    def read_verdict(self, buffer: Buffer) -> np.void:
        """What the verdict says."""
        return self.read_as(buffer, (1,), VERDICT)[0]
