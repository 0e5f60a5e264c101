"""Canvases: sent without a copy, and reused when nobody holds them."""

from __future__ import annotations

import gc
import threading

import numpy as np

from appliance.media.canvas import BufferPool, Lease, buffer_of
from appliance.media.frame import Format
from appliance.media.gst import Gst, caps_of, frame_of
from tests.pixels.frames import noise


def test_a_pools_frame_is_sent_without_a_copy() -> None:
    format = Format(642, 362)
    pool = BufferPool(format, 2)
    frame = pool.acquire()
    assert frame is not None
    source = noise(642, 362, 1)
    frame.y[:], frame.uv[:] = source.y, source.uv
    assert isinstance(frame.owner, Lease)
    frame.owner.seal()
    sent = buffer_of(frame, 0, 1)
    assert sent.peek_memory(0) == frame.owner.buffer.peek_memory(0)
    caps = caps_of(format)
    back = frame_of(Gst.Sample.new(sent, caps, None, None))
    assert np.array_equal(back.y, source.y)
    assert np.array_equal(back.uv, source.uv)


def test_each_output_has_times_of_its_own() -> None:
    pool = BufferPool(Format(64, 64), 1)
    frame = pool.acquire()
    assert frame is not None
    assert isinstance(frame.owner, Lease)
    frame.owner.seal()
    one, other = buffer_of(frame, 7, 1), buffer_of(frame, 9, 2)
    assert [(sent.pts, sent.duration) for sent in (one, other)] == [(7, 1), (9, 2)]
    assert one.peek_memory(0) == other.peek_memory(0)


def test_a_canvas_is_free_when_nobody_holds_it() -> None:
    pool = BufferPool(Format(64, 64), 2)
    first, second = pool.acquire(), pool.acquire()
    assert first is not None
    assert second is not None
    assert pool.acquire() is None
    assert isinstance(first.owner, Lease)
    first.owner.seal()
    sent = buffer_of(first, 0, 1)
    del first
    gc.collect()
    assert pool.acquire() is None, "GStreamer still holds its memory"
    del sent
    gc.collect()
    assert pool.available == 1
    assert pool.acquire() is not None


def test_the_collector_may_find_a_canvas_while_one_is_looked_for() -> None:
    """Of a frame that failed, say, whose traceback keeps it in a circle; it runs in that thread."""
    pool = BufferPool(Format(64, 36), 2)
    found: list[object] = []

    def look() -> None:
        frame = pool.acquire()
        assert frame is not None
        circle: list[object] = [frame.owner]
        circle.append(circle)
        del frame, circle
        with pool._lock:
            gc.collect()
        found.append(pool.available)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(5)
    assert found == [2]


def test_no_more_canvases_are_touched_than_are_in_use_at_once() -> None:
    pool = BufferPool(Format(64, 64), 6)
    used = set()
    for _ in range(12):
        one, other = pool.acquire(), pool.acquire()
        assert one is not None
        assert other is not None
        used |= {frame.y.__array_interface__["data"][0] for frame in (one, other)}
        del one, other
    assert len(used) == 2
