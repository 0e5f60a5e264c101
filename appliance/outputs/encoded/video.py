"""One H.264 encoder: frames in from whoever has them first, packets out to all who take them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog

from appliance.errors import OutputError
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, GstVideo
from appliance.outputs import encoders
from appliance.outputs.encoded.packet import Deliver, GivesPackets, Packet
from appliance.outputs.gstreamer import Sink

log = structlog.get_logger(__name__)

# How far an encoder may lag, in seconds, but at most in frames, before the oldest frame is dropped.
QUEUED_S = 1 / 15
MOST_QUEUED = 4
# Key frames asked for by those who begin to read; each costs bits, so not more often than this.
KEY_EVERY_S = 0.1
DRAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class VideoKey:
    """What makes two streams the same: those who ask for the same share an encoder.

    Attributes:
        format: of the frames.
        encoder: the one that was chosen.
        rate: its bit rate and key frame interval.
        what: which picture it is: the composite, its key, its fill, …
        programme: whose: see ``encoders.Wanted``.
        lossless: it waits for the encoder rather than drop frames.
    """

    format: Format
    encoder: encoders.Encoder
    rate: encoders.Rate
    what: str = "picture"
    programme: str = ""
    lossless: bool = False


class VideoEncoder(GivesPackets):
    """An encoder that runs from construction to ``stop``.

    Several outputs may push the same frames, each from its own thread: a frame is encoded when it
    comes for the first time. So no output depends on another one's being quick, or there at all.

    Attributes:
        key: what it was made for.
        dropped: frames that the encoder was too slow for.
        frames: pictures that were encoded.
    """

    def __init__(self, key: VideoKey) -> None:
        """Start it. Raises MissingDependency or OutputError."""
        super().__init__()
        self.key = key
        self.frames = 0
        self._lock = threading.Lock()
        self._last: int | None = None
        self._came: int | None = None
        self._begins = 0
        self._forced = float("-inf")
        self._key_wanted = False
        self._moved = threading.Condition()
        self._caps: Any = None
        self._period = int(1e9 / key.format.rate)
        queued = max(2, min(MOST_QUEUED, round(QUEUED_S * key.format.rate)))
        self._sink = Sink(
            f"encoder {key.encoder.name}",
            key.format,
            f"{encoders.launch(key.encoder, key.format, key.rate)} h264parse ! "
            "video/x-h264,stream-format=avc,alignment=au ! "
            "appsink name=packets sync=false emit-signals=true enable-last-sample=false",
            queued=queued,
            leaky=not key.lossless,
        )
        out = self._sink.element("packets")
        self._handler = out, out.connect("new-sample", self._on_sample)

    @property
    def dropped(self) -> int:
        """Frames that came faster than it could encode them."""
        return self._sink.dropped

    @property
    def error(self) -> str | None:
        """Why it has failed; None while it works."""
        return self._sink.error

    def add(self, deliver: Deliver) -> None:
        """See ``GivesPackets``; a key frame is made for it."""
        super().add(deliver)
        self.force_key_frame()

    def push(self, frame: Frame) -> None:
        """Encode ``frame`` unless it has been. Raises OutputError when the encoder has failed."""
        with self._lock:
            known = self._last is not None and frame.pts <= self._last
            if not known:
                if self._last is None:
                    self._begins = frame.pts
                self._last = frame.pts
        if known:
            if self.error is not None:
                raise OutputError(f"encoder {self.key.encoder.name}: {self.error}")
            return
        if self._key_wanted and time.monotonic() - self._forced >= KEY_EVERY_S:
            self.force_key_frame()
        self._sink.push(frame, frame.pts - self._begins, self._period)

    def force_key_frame(self) -> None:
        """Make the next frame a key frame, which a decoder can start at; soon, if one just was."""
        now = time.monotonic()
        self._key_wanted = now - self._forced < KEY_EVERY_S
        if self._key_wanted:
            return
        self._forced = now
        never = Gst.CLOCK_TIME_NONE
        self._sink.frames.send_event(
            GstVideo.video_event_new_downstream_force_key_unit(never, never, never, True, 0)
        )

    def drain(self, timeout: float = DRAIN_S) -> None:
        """Wait until what was pushed has come out, as far as it does within ``timeout`` seconds."""
        with self._moved:
            self._moved.wait_for(
                lambda: self.error is not None or self._came == self._last, timeout
            )

    def stop(self, *, finish: bool) -> None:
        """End it; with ``finish``, what is in it comes out first. Raises OutputError if not."""
        try:
            self._sink.stop(finish=finish)
        finally:
            out, handler = self._handler
            out.disconnect(handler)

    def _on_sample(self, sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.OK
        buffer, caps = sample.get_buffer(), sample.get_caps()
        if self._caps is None or not self._caps.is_equal(caps):
            self._caps = caps
        # The segment undoes what encoders add to times, to have room for reordering.
        pts = sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts) + self._begins
        packet = Packet(
            "video", buffer, self._caps, pts, self._period,
            not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT),
        )  # fmt: skip
        self.frames += 1
        self.give(packet)
        with self._moved:
            self._came = pts
            self._moved.notify_all()
        return Gst.FlowReturn.OK
