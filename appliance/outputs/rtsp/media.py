"""The media that all readers of one RTSP output share, while there are any."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from appliance.media.clock import MIN_STEP_NS
from appliance.media.frame import Frame
from appliance.media.gst import Gst
from appliance.outputs.encoded.packet import Deliver, Packet
from appliance.outputs.encoded.shared import EncodedStream
from appliance.outputs.encoders import Wanted
from appliance.outputs.rtsp.backpressure import Readers

# Packets that may wait for the readers.
MOST_QUEUED = 8
STUCK_NS = 250_000_000
# Later than the slowest network makes a frame.
MOST_LATE_NS = 10 * 10**9
CALM_FRAMES = 3
# Longer than the programme waits for sound.
NO_SOUND_NS = 600_000_000
FORGOTTEN_TICKS = 15


class LiveMedia:
    """A gst-rtsp-server media fed with packets: ``appsrc name=video ! payloader``, and sound.

    Attributes:
        media: the library's object.
        readers: those who play it; the owner keeps this up to date.
        retired: no more readers join it.
        failed: it, or what it is fed from, has failed.
        skipped: pictures left out because the readers were behind.
        hold_ups: how often readers over TCP held up the others.
    """

    def __init__(self, media: Any, stream: Callable[[Deliver], EncodedStream]) -> None:
        """Set up a media that has just been made and is not running yet.

        ``stream`` begins to take packets. Raises what it raises.
        """
        self.media = media
        self.readers = Readers()
        self.retired = self.failed = False
        self.hold_ups = self.skipped = 0
        self._unused = 0
        self._begins: int | None = None
        self._last = -MIN_STEP_NS
        self._held = self._leaking = False
        self._holding = threading.Lock()
        # A decoder can only begin, and go on after a gap, at a key frame.
        self._skipping = True
        self._full_since = self._calm = 0
        self._sinks: list[Any] = []
        self._caps: dict[str, Any] = {}
        self._sources = {
            kind: source
            for kind in ("video", "sound")
            if (source := media.get_element().get_by_name(kind)) is not None
        }
        self._frames = self._sources["video"]
        pipeline = media.get_element().get_parent()
        self._handlers = [
            (pipeline, pipeline.connect("deep-element-added", self._on_element)),
            (media, media.connect("prepared", self._hold)),
        ]
        # Weakly: in a circle, the library's objects would wait for the garbage collector.
        taking = weakref.WeakMethod(self.take)

        def deliver(packet: Packet) -> None:
            if (take := taking()) is not None:
                take(packet)

        # Last: packets come from now on, in other threads.
        self.stream = stream(deliver)

    @property
    def dropped(self) -> int:
        """Pictures that did not reach the readers."""
        return self.skipped + self.stream.dropped

    def push(self, frame: Frame) -> None:
        """Have a frame encoded. Raises OutputError when an encoder has failed."""
        self.stream.push(frame, NO_SOUND_NS)

    def take(self, packet: Packet) -> None:
        """Hand a packet to the readers; never waits. In an encoder's thread."""
        # Until the media runs there is no clock to stamp packets by.
        if self._frames.current_state != Gst.State.PLAYING:
            return
        if packet.kind == "video":
            self._take_picture(packet)
        elif "sound" in self._sources and self._begins is not None:
            pts = packet.pts - self._begins
            if pts >= 0:
                self._send(packet, pts)

    def _take_picture(self, packet: Packet) -> None:
        now = self._frames.get_current_running_time()
        room = self._frames.get_property("current-level-buffers") < MOST_QUEUED
        self._see_that_it_moves(now, room)
        if self.readers.all_behind() or not room:
            # Left out up to the next key frame: no reader gets a picture with parts missing.
            self._skipping = True
            self.skipped += 1
            return
        if self._skipping:
            if not packet.key:
                self.stream.force_key_frame()
                return
            self._skipping = False
        self._send(packet, self._running(packet.pts, now))

    def _send(self, packet: Packet, pts: int) -> None:
        source = self._sources[packet.kind]
        if self._caps.get(packet.kind) is not packet.caps:
            self._caps[packet.kind] = packet.caps
            source.set_property("caps", packet.caps)
        source.push_buffer(packet.at(pts))

    def _running(self, pts: int, now: int) -> int:
        """A picture's time on the media's clock, which is ours, from when the media was started.

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
                self._skipping = True

    def _leak(self, leaking: bool) -> None:
        self._leaking, self._calm = leaking, 0
        for sink in self._sinks:
            sink.set_property("drop", leaking)

    def change(self, wanted: Wanted) -> None:
        """Go on with packets of another encoder. Raises what ``EncodedStream.change`` does."""
        self._skipping = True
        self.stream.change(wanted)
        self._skipping = True

    def force_key_frame(self) -> None:
        """Make the next frame a key frame, which a decoder can start at."""
        self.stream.force_key_frame()

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
        """Call once it has been taken down: takes no more packets, and lets go of it."""
        self.stream.close()
        handlers, self._handlers = self._handlers, []
        for item, handler in handlers:
            item.disconnect(handler)

    def _hold(self, media: Any) -> None:
        """Keep it prepared until ``release``, even when its last reader leaves.

        Called for each of those who come at once to a new media, in their threads.
        """
        if self._holding.acquire(blocking=False):
            self._held = bool(media.prepare(None))

    def _on_element(self, pipeline: Any, parent: Any, element: Any) -> None:
        if element.get_factory().get_name() == "appsink":
            self._sinks.append(element)
