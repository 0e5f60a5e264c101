"""The media that all readers of one RTSP output share, while there are any."""

from __future__ import annotations

import threading
import time
from typing import Any

from appliance.media.canvas import buffer_of
from appliance.media.clock import MIN_STEP_NS
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, GstVideo, caps_of
from appliance.outputs import encoders
from appliance.outputs.rtsp.backpressure import Readers

# How far an encoder may lag, in seconds, but at most in frames, before the oldest frame is dropped.
QUEUED_S = 1 / 15
MOST_QUEUED = 4
STUCK_NS = 250_000_000
# Later than the slowest network makes a frame.
MOST_LATE_NS = 10 * 10**9
CALM_FRAMES = 3
FORGOTTEN_TICKS = 15


class LiveMedia:
    """A gst-rtsp-server media made of ``appsrc name=frames``, an encoder and a payloader.

    Attributes:
        media: the library's object.
        readers: those who play it; the owner keeps this up to date.
        retired: no more readers join it.
        hold_ups: how often readers over TCP held up the others.
    """

    def __init__(self, media: Any, format: Format) -> None:
        """Set up a media that has just been made and is not running yet."""
        self.media = media
        self._format = format
        self.readers = Readers()
        self.retired = False
        self.hold_ups = 0
        self._unused = 0
        self._period = int(1e9 / format.rate)
        self._queued = max(2, min(MOST_QUEUED, round(QUEUED_S * format.rate)))
        self._begins: int | None = None
        self._last = -MIN_STEP_NS
        self._held = self._skipping = self._leaking = False
        self._full_since = self._calm = 0
        self._sinks: list[Any] = []
        self._frames = media.get_element().get_by_name("frames")
        self._frames.set_property("caps", caps_of(format))
        self._frames.set_property("format", Gst.Format.TIME)
        self._frames.set_property("is-live", True)
        self._frames.set_property("max-bytes", 0)
        self._frames.set_property("max-buffers", self._queued)
        self._frames.set_property("leaky-type", 2)
        self._frames.set_property("emit-signals", False)
        pipeline = media.get_element().get_parent()
        self._handlers = [
            (pipeline, pipeline.connect("deep-element-added", self._on_element)),
            (media, media.connect("prepared", self._hold)),
        ]

    def push(self, frame: Frame) -> bool:
        """Hand a frame to the encoder; never waits. False if it or an older one was dropped."""
        # Until the media runs there is no clock to stamp frames by.
        if self._frames.current_state != Gst.State.PLAYING:
            return True
        if self.readers.all_behind():
            # Dropped ahead of the encoder, so that no reader gets a picture with parts missing.
            self._skipping = True
            return False
        if self._skipping:
            self._skipping = False
            self.force_key_frame()
        room = self._frames.get_property("current-level-buffers") < self._queued
        now = self._frames.get_current_running_time()
        self._see_that_it_moves(now, room)
        self._frames.push_buffer(buffer_of(frame, self._running(frame.pts, now), self._period))
        return bool(room)

    def _running(self, pts: int, now: int) -> int:
        """A frame's time on the media's clock, which is ours, from when the media was started.

        Never after ``now``, so no sink waits for it; frames from before the start follow each other
        closely at its beginning. Times that have nothing to do with our clock, of a file read as
        fast as possible, lie where the first of them came.
        """
        if self._begins is None:
            self._begins = time.monotonic_ns() - now
        if now - (pts - self._begins) > MOST_LATE_NS:
            self._begins = pts - now
        self._last = max(min(pts - self._begins, now), self._last + MIN_STEP_NS)
        return self._last

    def _see_that_it_moves(self, now: int, room: bool) -> None:
        """Keep readers over TCP from holding up the encoder, and with it the readers over UDP.

        gst-rtsp-server's TCP sinks hold one buffer and wait while every TCP reader is behind. While
        that lasts they are told to drop buffers instead; not at other times, as they would then
        lose some whenever their sending thread runs a little late.
        """
        if room:
            self._full_since = now
        elif not self._leaking and now - self._full_since > STUCK_NS:
            self._leak(True)
            # Otherwise the encoder itself is late, on a machine with too much to do: that is no
            # reader's fault, and none must be disconnected for it.
            self.hold_ups += self.readers.tcp_behind()
        if self._leaking:
            self._calm = 0 if self.readers.tcp_behind() else self._calm + 1
            # Only a few frames later: the sinks' thread must first have sent what was left.
            if self._calm > CALM_FRAMES:
                self._leak(False)
                self.force_key_frame()

    def _leak(self, leaking: bool) -> None:
        self._leaking, self._calm = leaking, 0
        for sink in self._sinks:
            sink.set_property("drop", leaking)

    def encode(self, encoder: encoders.Encoder, rate: encoders.Rate) -> None:
        """Go on at another rate, as far as the encoder can change while it runs."""
        element = self.media.get_element().get_by_name("encoder")
        if element is not None:
            encoders.change(element, encoder, self._format, rate)

    def force_key_frame(self) -> None:
        """Make the next frame a key frame, which a decoder can start at."""
        never = Gst.CLOCK_TIME_NONE
        self._frames.send_event(
            GstVideo.video_event_new_downstream_force_key_unit(never, never, never, True, 0)
        )

    def clients(self) -> int:
        """Number of readers to which it is being sent now."""
        if not self.media.n_streams():
            return 0
        return len(self.media.get_stream(0).transport_filter(None))

    def unused_ticks(self, *, used: bool) -> int:
        """Call once per tick with whether any session uses it; returns the ticks that none has."""
        # While it is being prepared, its first reader has no session yet.
        self._unused = 0 if used or not self._held else self._unused + 1
        return self._unused

    def let_go_by_force(self, *, used: bool) -> None:
        """Call once per tick after ``release``: takes it down if the library has lost track of it.

        When many readers come at once and some break off between DESCRIBE and SETUP, the library
        can lose count of its users; the encoder would then run for ever.
        """
        self._unused = 0 if used or self._held else self._unused + 1
        if self._unused > FORGOTTEN_TICKS:
            self._unused = 0
            # Not in this thread: something stuck in the media may block whoever takes it down.
            threading.Thread(target=self.media.unprepare, name="rtsp-media", daemon=True).start()

    def release(self) -> None:
        """Allow it to be taken down once its readers are gone."""
        if self._held:
            self._held = False
            self.media.unprepare()

    def forget(self) -> None:
        """Call once it has been taken down: its callbacks would keep it in memory."""
        handlers, self._handlers = self._handlers, []
        for item, handler in handlers:
            item.disconnect(handler)

    def _hold(self, media: Any) -> None:
        """Keep it prepared until ``release``, even when its last reader leaves."""
        self._held = bool(media.prepare(None))

    def _on_element(self, pipeline: Any, parent: Any, element: Any) -> None:
        if element.get_factory().get_name() == "appsink":
            self._sinks.append(element)
