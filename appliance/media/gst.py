"""GStreamer itself, and its buffers as frames without copies; ``media.canvas`` goes the other way.

Buffers are mapped through the C library itself: what ``Gst.Buffer.map`` returns varies with the
version of the Python bindings (older ones return bytes, a copy), while the C functions and the
layout of ``GstMapInfo`` are the same in every GStreamer 1.x.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from appliance.errors import MissingDependency, SourceError
from appliance.media.frame import U8, Colour, Format, Frame, Matrix, Range

# GStreamer loads libunwind with global symbols, and its _Unwind_* functions then replace libgcc's:
# a C++ exception in ONNX Runtime (a broken model, a network that throws) would end the process
# instead of reaching Python. The library loaded first wins, hence libgcc here.
with contextlib.suppress(OSError):
    ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)

try:
    import gi

    for _name in ("Gst", "GstApp", "GstVideo"):
        gi.require_version(_name, "1.0")
    from gi.repository import GLib, GObject, Gst, GstApp, GstVideo
except (ImportError, ValueError) as error:
    raise MissingDependency(
        f"GStreamer's Python bindings are not to be had here ({error}); install them with: "
        "apt install python3-gi python3-gst-1.0 gir1.2-gst-plugins-base-1.0, and make the virtual "
        "environment with --system-site-packages (make setup does both)"
    ) from error

__all__ = ["GLib", "GObject", "Gst", "GstApp", "GstVideo"]

Gst.init(None)


class _MapInfo(ctypes.Structure):
    """GstMapInfo, gst/gstmemory.h."""

    _fields_ = (
        ("memory", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("maxsize", ctypes.c_size_t),
        ("user_data", ctypes.c_void_p * 4),
        ("reserved", ctypes.c_void_p * 4),
    )


_lib = ctypes.CDLL("libgstreamer-1.0.so.0")
_lib.gst_buffer_map.argtypes = (ctypes.c_void_p, ctypes.POINTER(_MapInfo), ctypes.c_int)
_lib.gst_buffer_map.restype = ctypes.c_int
_lib.gst_buffer_unmap.argtypes = (ctypes.c_void_p, ctypes.POINTER(_MapInfo))
_lib.gst_buffer_unmap.restype = None


class MappedBuffer:
    """A mapped buffer: ``array`` is its memory, uint8, one-dimensional, valid until ``unmap``.

    The mapping lasts as long as this object, so a Frame that owns it stays readable.
    """

    def __init__(self, buffer: Gst.Buffer, *, write: bool = False) -> None:
        self._buffer = buffer
        self._info = _MapInfo()
        # PyGObject's hash of a boxed value is the address of the C structure.
        self._address = hash(buffer)
        flags = 3 if write else 1
        if not _lib.gst_buffer_map(self._address, ctypes.byref(self._info), flags):
            self._address = 0
            raise SourceError(
                f"a GStreamer buffer could not be mapped for {'writing' if write else 'reading'}"
            )
        memory = (ctypes.c_uint8 * self._info.size).from_address(self._info.data)
        self.array: U8 = np.frombuffer(memory, np.uint8)

    def unmap(self) -> None:
        """Give the memory back; ``array`` and its views must not be touched afterwards."""
        if self._address:
            _lib.gst_buffer_unmap(self._address, ctypes.byref(self._info))
            self._address = 0

    def __del__(self) -> None:
        self.unmap()


def nv12_views(
    memory: U8, width: int, height: int, strides: tuple[int, int], offsets: tuple[int, int]
) -> tuple[U8, U8]:
    """The Y (height, width) and UV (ceil(height/2), ceil(width/2), 2) planes within ``memory``."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    y = np.lib.stride_tricks.as_strided(memory[offsets[0] :], (height, width), (strides[0], 1))
    uv = np.lib.stride_tricks.as_strided(
        memory[offsets[1] :], (rows, columns, 2), (strides[1], 2, 1)
    )
    return y, uv


_MATRICES = {
    GstVideo.VideoColorMatrix.BT601: Matrix.BT601,
    GstVideo.VideoColorMatrix.BT709: Matrix.BT709,
}


_PLANAR = (GstVideo.VideoFormat.NV12, GstVideo.VideoFormat.I420)


def first_structure(caps: Gst.Caps) -> Gst.Structure:
    """The first structure of caps, valid as long as they are.

    By its index, since ``get_structure`` of GStreamer 1.26's bindings gives a context manager.
    """
    return caps[0]


def full_range(colorimetry: GstVideo.VideoColorimetry) -> bool:
    """Whether samples run from 0 to 255. By number: the name varies between binding versions."""
    return int(colorimetry.range) == 1


@lru_cache(maxsize=32)
def _known(caps: Gst.Caps) -> tuple[GstVideo.VideoInfo, Format]:
    """What ``format_of`` finds, once for each caps: every frame of a stream has the same.

    Nobody can change caps that are held here, nor get other ones at their address.
    """
    return GstVideo.VideoInfo.new_from_caps(caps), format_of(caps)


def format_of(caps: Gst.Caps) -> Format:
    """The Format of fixed NV12 or I420 caps. A variable rate (0/1) is reported as 30/1.

    Raises SourceError when the caps are neither.
    """
    info = GstVideo.VideoInfo.new_from_caps(caps)
    if info is None or info.finfo.format not in _PLANAR:
        raise SourceError(f"expected NV12 or I420 frames, got {caps.to_string()}")
    full = full_range(info.colorimetry)
    matrix = _MATRICES.get(
        info.colorimetry.matrix, Matrix.BT709 if info.height > 576 else Matrix.BT601
    )
    fps = (info.fps_n, info.fps_d) if info.fps_n > 0 else (30, 1)
    return Format(
        info.width, info.height, fps, Colour(matrix, Range.FULL if full else Range.LIMITED)
    )


def colorimetry(colour: Colour) -> str:
    """The caps' ``colorimetry`` string: range:matrix:transfer:primaries, in GstVideo's numbers."""
    full = 1 if colour.range is Range.FULL else 2
    # Transfer 5 is BT.709 and 16 BT.601; primaries 1 is BT.709 and 4 SMPTE 170M.
    return f"{full}:4:16:4" if colour.matrix is Matrix.BT601 else f"{full}:3:5:1"


def caps_of(format: Format, *, pixel_format: str = "NV12") -> Gst.Caps:
    """Fixed raw video caps for a format."""
    return Gst.Caps.from_string(
        f"video/x-raw,format={pixel_format},width={format.width},height={format.height},"
        f"framerate={format.fps[0]}/{format.fps[1]},pixel-aspect-ratio=1/1,"
        f"interlace-mode=progressive,colorimetry={colorimetry(format.colour)}"
    )


def frame_of(
    sample: Gst.Sample,
    *,
    pts: int | None = None,
    duration: int = 0,
    serial: int = 0,
    discontinuity: bool = False,
) -> Frame:
    """A Frame over the memory of an appsink's sample, which stays mapped while the Frame lives.

    I420 is accepted too, since software decoders produce it: its luma is used in place, and only
    the two chroma planes are interleaved, a tenth of the work of a conversion to NV12.

    ``pts``, in nanoseconds, replaces the buffer's own time; ``duration`` is that of the frame.

    Raises SourceError when the sample is neither NV12 nor I420, or smaller than its caps say.
    """
    buffer, caps = sample.get_buffer(), sample.get_caps()
    info, format = _known(caps)
    # The caps imply the default layout; a decoder that pads its planes says so in the video meta.
    layout = GstVideo.buffer_get_video_meta(buffer) or info
    planes = info.finfo.n_planes
    strides, offsets = layout.stride[:planes], layout.offset[:planes]
    mapping = MappedBuffer(buffer)
    rows, columns = (format.height + 1) // 2, (format.width + 1) // 2
    needed = offsets[-1] + strides[-1] * (rows - 1) + columns * (2 if planes == 2 else 1)
    if mapping.array.size < needed:
        raise SourceError(f"a frame of {mapping.array.size} bytes, expected {needed} for {format}")
    if planes == 2:
        pitches, starts = (strides[0], strides[1]), (offsets[0], offsets[1])
        y, uv = nv12_views(mapping.array, format.width, format.height, pitches, starts)
    else:
        shapes = ((format.height, format.width), (rows, columns), (rows, columns))
        y, u, v = (
            np.lib.stride_tricks.as_strided(mapping.array[offset:], shape, (stride, 1))
            for offset, shape, stride in zip(offsets, shapes, strides, strict=True)
        )
        uv = np.empty((rows, columns, 2), np.uint8)
        cv2.merge((u, v), uv)
    if pts is None:
        pts = buffer.pts if buffer.pts != Gst.CLOCK_TIME_NONE else 0
    return Frame(
        y, uv, format.colour, int(pts), time.monotonic_ns(), serial, discontinuity, mapping,
        duration,
    )  # fmt: skip


def error_text(message: Any) -> str:
    """A bus error message in words: the element, the error, GStreamer's own detail."""
    error, debug = message.parse_error()
    detail = (debug or "").strip().splitlines()
    tail = f" ({detail[-1].strip()})" if detail else ""
    # Without its number, which rises with each try: the same fault is reported in the same words.
    element = message.src.get_name().rstrip("0123456789")
    return f"{element}: {error.message}{tail}"
