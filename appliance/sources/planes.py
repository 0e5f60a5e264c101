"""The planes of a 4:2:0 sample that is not yet a frame: 10 bits, or with alpha."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.errors import SourceError
from appliance.media.gst import Gst, GstVideo, MappedBuffer, first_structure


def format_name(sample: Gst.Sample) -> str:
    """The pixel format as GStreamer calls it: ``I420_10LE``."""
    return str(first_structure(sample.get_caps()).get_string("format"))


def planes_of(
    sample: Gst.Sample, dtype: type[np.unsignedinteger[Any]]
) -> tuple[MappedBuffer, list[NDArray[Any]]]:
    """Y, Cb, Cr and, where it has one, alpha, of a planar sample with even sides.

    The planes are valid as long as the mapping is. Raises SourceError for a buffer smaller than its
    caps say.
    """
    buffer, width = sample.get_buffer(), np.dtype(dtype).itemsize
    info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    layout = GstVideo.buffer_get_video_meta(buffer) or info
    mapping = MappedBuffer(buffer)
    planes = []
    for index in range(info.finfo.n_planes):
        half = 2 if index in (1, 2) else 1
        rows, columns = info.height // half, info.width // half
        stride, offset = layout.stride[index], layout.offset[index]
        if offset + stride * (rows - 1) + width * columns > mapping.array.size:
            raise SourceError(f"a frame of {mapping.array.size} bytes is too small for its caps")
        memory = mapping.array[offset:]
        memory = memory[: memory.size // width * width].view(dtype)
        planes.append(np.lib.stride_tricks.as_strided(memory, (rows, columns), (stride, width)))
    return mapping, planes
