"""Canvases: frames in GStreamer's memory, composited into once and sent without a copy."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from appliance.media.frame import U8, Format, Frame
from appliance.media.gst import Gst, GstVideo, MappedBuffer, nv12_views


class Lease:
    """One canvas from a pool: writable until sealed, returned to the pool when nobody holds it."""

    def __init__(self, pool: BufferPool, buffer: Gst.Buffer) -> None:
        self._pool = pool
        self.buffer = buffer
        self._mapping: MappedBuffer | None = MappedBuffer(buffer, write=True)

    @property
    def array(self) -> U8:
        """The canvas's memory."""
        assert self._mapping is not None
        return self._mapping.array

    def seal(self) -> None:
        """End writing: from now on the buffer may be shared with GStreamer's threads."""
        if self._mapping is not None:
            self._mapping.unmap()
            self._mapping = MappedBuffer(self.buffer)

    def __del__(self) -> None:
        if self._mapping is not None:
            self._mapping.unmap()
            self._pool._give_back(self.buffer)


class BufferPool:
    """Canvases of one format in GStreamer's memory: composited into once, sent without a copy.

    All memory is allocated at construction. A buffer is free again when no Frame holds its Lease
    and no GStreamer element holds its memory.
    """

    def __init__(self, format: Format, count: int = 12) -> None:
        self.format = format
        self._strides = (-(-format.width // 64) * 64,) * 2
        rows = (format.height + 1) // 2
        self._offsets = (0, self._strides[0] * format.height)
        size = self._offsets[1] + self._strides[1] * rows
        # Rows padded to 64 bytes: the kernels use whole vectors, encoders take the planes as they
        # are. Page-aligned, as GPU drivers prefer.
        params = Gst.AllocationParams()
        params.align = 4095
        self._free: list[Gst.Buffer] = []
        self._memory: list[U8] = []
        # One that its holder may take again: the collector can run while it is held, in that very
        # thread, and give a canvas back.
        self._lock = threading.RLock()
        for _ in range(count):
            buffer = Gst.Buffer.new_allocate(None, size, params)
            if buffer is None:
                raise MemoryError(f"{count} canvases of {size} bytes could not be had for {format}")
            GstVideo.buffer_add_video_meta_full(
                buffer,
                GstVideo.VideoFrameFlags.NONE,
                GstVideo.VideoFormat.NV12,
                format.width,
                format.height,
                2,
                [*self._offsets, 0, 0],
                [*self._strides, 0, 0],
            )
            self._free.append(buffer)
            mapping = MappedBuffer(buffer)
            self._memory.append(mapping.array)
            mapping.unmap()

    @property
    def stride(self) -> int:
        """Bytes from one row to the next, in luma and in the chroma that follows it."""
        return self._strides[0]

    @property
    def memory(self) -> Sequence[U8]:
        """The whole memory of each canvas, for a GPU driver to register and for nothing else.

        It does not move while the pool lives.
        """
        return self._memory

    def acquire(self) -> Frame | None:
        """A writable frame (``seal`` its owner when it is done), or None when all are in use."""
        with self._lock:
            for index, buffer in enumerate(self._free):
                if buffer.is_all_memory_writable():
                    del self._free[index]
                    break
            else:
                return None
        lease = Lease(self, buffer)
        y, uv = nv12_views(
            lease.array, self.format.width, self.format.height, self._strides, self._offsets
        )
        return Frame(y, uv, self.format.colour, owner=lease)

    def _give_back(self, buffer: Gst.Buffer) -> None:
        # The last one given back is the next one taken: its memory is still in the cache, and what
        # is never in use at the same time as the others is never touched, and so never resident.
        with self._lock:
            self._free.insert(0, buffer)

    @property
    def available(self) -> int:
        """Number of buffers that ``acquire`` could return now."""
        with self._lock:
            return sum(1 for buffer in self._free if buffer.is_all_memory_writable())


def buffer_of(frame: Frame, pts: int, duration: int) -> Gst.Buffer:
    """A buffer for an appsrc: the frame's own memory when it comes from a pool, else a copy.

    ``pts`` and ``duration`` are in nanoseconds of the receiving pipeline's time.
    """
    if isinstance(frame.owner, Lease):
        # Not copy(): for a boxed type that only adds a reference, and the time set by one output
        # would apply to every output.
        shared = frame.owner.buffer
        flags = Gst.BufferCopyFlags
        buffer = shared.copy_region(flags.FLAGS | flags.META | flags.MEMORY, 0, shared.get_size())
    else:
        width, height = frame.width, frame.height
        strides = (-(-width // 4) * 4,) * 2
        rows = (height + 1) // 2
        buffer = Gst.Buffer.new_allocate(None, strides[0] * (height + rows), None)
        mapping = MappedBuffer(buffer, write=True)
        y, uv = nv12_views(mapping.array, width, height, strides, (0, strides[0] * height))
        y[:], uv[:] = frame.y, frame.uv
        mapping.unmap()
    buffer.pts, buffer.dts, buffer.duration = pts, Gst.CLOCK_TIME_NONE, duration
    return buffer
