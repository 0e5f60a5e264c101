"""A real RTSP client that looks at every frame: its time, what it shows, and of the room?"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from appliance.media.gst import Gst, error_text, frame_of
from tests.scenes import PERSON, room_share

# Grey in the corner below this is a slate.
_SLATE = 40


@dataclass(frozen=True)
class Got:
    """One frame as it was decoded.

    Attributes:
        pts: by the stream's own clock, nanoseconds: when the appliance sent it, not when it came.
        stage: the grey in the corner: the background, or a slate's.
        person: whether the bright disc is there. room: the part of it that shows the room.
    """

    pts: int
    stage: int
    person: bool
    room: float

    @property
    def placeholder(self) -> bool:
        """Whether it is a slate."""
        return self.stage < _SLATE


class Client:
    """Plays an address over TCP until it is closed, in one session; a context manager."""

    def __init__(self, uri: str) -> None:
        self.frames: list[Got] = []
        self.ended: str | None = None
        """Why it was disconnected; None while it is not."""
        self._came = threading.Condition()
        self._pipeline = Gst.parse_launch(
            f"rtspsrc location={uri} latency=0 protocols=tcp ! rtph264depay name=depay ! "
            "video/x-h264,stream-format=byte-stream,alignment=au ! h264parse ! "
            # No frames held back by threads of the decoder's.
            "avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=NV12 ! "
            "appsink name=out sync=false max-buffers=0 drop=false"
        )
        self._out = self._pipeline.get_by_name("out")
        # What GStreamer makes of the times depends on when packets come; RTP's are the sender's.
        self._times: deque[int] = deque()
        self._ticks, self._unwrapped = 0, 0
        depay = self._pipeline.get_by_name("depay")
        for pad, probe in (("sink", self._on_packet), ("src", self._on_picture)):
            depay.get_static_pad(pad).add_probe(Gst.PadProbeType.BUFFER, probe)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="client", daemon=True)

    def __enter__(self) -> Client:
        self._pipeline.set_state(Gst.State.PLAYING)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._pipeline.set_state(Gst.State.NULL)
        assert not self._thread.is_alive()

    def wait(self, what: Callable[[list[Got]], object], seconds: float = 20.0) -> None:
        """Until the frames are so; fails the test after ``seconds``, or when it is disconnected."""
        deadline = time.monotonic() + seconds
        with self._came:
            while not what(self.frames):
                assert self.ended is None, f"disconnected: {self.ended}"
                left = deadline - time.monotonic()
                assert left > 0, f"not within {seconds:g} s; last: {self.frames[-3:]}"
                self._came.wait(left)

    def wait_for_more(self, count: int, seconds: float = 20.0) -> None:
        """Until so many further frames have come."""
        start = len(self.frames)
        self.wait(lambda frames: len(frames) >= start + count, seconds)

    def _on_packet(self, _: Any, info: Any) -> Any:
        ticks = int.from_bytes(info.get_buffer().extract_dup(4, 4), "big")
        self._unwrapped += (ticks - self._ticks + (1 << 31)) % (1 << 32) - (1 << 31)
        self._ticks = ticks
        return Gst.PadProbeReturn.OK

    def _on_picture(self, *_: Any) -> Any:
        self._times.append(self._unwrapped * 100_000 // 9)
        return Gst.PadProbeReturn.OK

    def _read(self) -> None:
        bus = self._pipeline.get_bus()
        while not self._stop.is_set() and self.ended is None:
            sample = self._out.try_pull_sample(100 * Gst.MSECOND)
            got = None if sample is None else _judge(sample, self._times.popleft())
            message = bus.pop_filtered(Gst.MessageType.ERROR | Gst.MessageType.EOS)
            with self._came:
                if got is not None:
                    self.frames.append(got)
                if message is not None:
                    failed = message.type == Gst.MessageType.ERROR
                    self.ended = error_text(message) if failed else "the stream ended"
                self._came.notify_all()


def _judge(sample: object, pts: int) -> Got:
    frame = frame_of(sample)
    # The middle of the disc; a coded picture has no exact values.
    bright = cv2.erode((frame.y > PERSON - 20).astype(np.uint8), np.ones((9, 9), np.uint8))
    return Got(pts, int(frame.y[4, 4]), bool(bright.any()), room_share(frame.uv))
