"""What the pipeline wrote is what the encoder reads: the same bytes at the same place."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from appliance.media.canvas import BufferPool, Lease
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, MappedBuffer
from appliance.outputs import encoders
from appliance.outputs.encoded.video import VideoEncoder, VideoKey
from tests.pixels.frames import noise


def drawn(pool: BufferPool) -> Frame:
    """A canvas with noise in it, as the pipeline hands it on."""
    frame = pool.acquire()
    assert frame is not None
    picture = noise(frame.width, frame.height, 1)
    frame.y[:], frame.uv[:] = picture.y, picture.uv
    assert isinstance(frame.owner, Lease)
    frame.owner.seal()
    return frame


# 642: its rows are padded, which an encoder has to be told.
@pytest.mark.parametrize("width", [640, 642])
def test_x264_reads_the_canvas_itself(width: int) -> None:
    format = Format(width, 362)
    chosen = encoders.choose(encoders.SOFTWARE)
    encoder = VideoEncoder(VideoKey(format, chosen, encoders.DEFAULT.rate(format)))
    pool = BufferPool(format, 2)
    found: list[int] = []
    came = threading.Event()

    def on_buffer(_pad: Any, info: Any) -> Any:
        mapping = MappedBuffer(info.get_buffer())
        found.append(int(mapping.array.ctypes.data))
        mapping.unmap()
        came.set()
        return Gst.PadProbeReturn.REMOVE

    element = encoder._sink.element("encoder")
    element.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_buffer)
    try:
        frame = drawn(pool)
        encoder.push(frame)
        assert came.wait(10)
    finally:
        encoder.stop(finish=False)
    assert found == [int(frame.y.ctypes.data)]


def test_a_canvas_is_not_written_again_while_its_encoder_may_still_read_it() -> None:
    """A frame that waits for an encoder, or is being read by it, keeps its canvas."""
    format = Format(640, 360)
    chosen = encoders.choose(encoders.SOFTWARE)
    encoder = VideoEncoder(VideoKey(format, chosen, encoders.DEFAULT.rate(format)))
    pool = BufferPool(format, 1)
    reading, go_on = threading.Event(), threading.Event()

    def on_buffer(_pad: Any, _info: Any) -> Any:
        reading.set()
        go_on.wait(10)
        return Gst.PadProbeReturn.REMOVE

    element = encoder._sink.element("encoder")
    element.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_buffer)
    try:
        encoder.push(drawn(pool))
        assert reading.wait(10)
        # Nobody but GStreamer has it now.
        assert pool.acquire() is None
        go_on.set()
        encoder.drain(10)
    finally:
        go_on.set()
        encoder.stop(finish=False)
    assert pool.available == 1
