"""Packets into one stream of bytes: a container, and where it goes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import structlog

from appliance.errors import OutputError
from appliance.media.gst import GLib, Gst, error_text
from appliance.outputs.encoded.packet import Packet
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

FINISH_TIMEOUT_S = 2.0
# Pieces of sound that may come before the first picture, which says where everything begins.
_MOST_EARLY = 256

_SOUND = 'capsfilter caps="audio/x-opus;audio/mpeg"'

WhenFull = Literal["wait", "skip", "fail"]


class Muxer:
    """``appsrc ! … ! mux ! …``: running from construction to ``stop``.

    It begins with a key frame. ``take`` may be called from several threads.

    Attributes:
        packets: pictures handed on.
        skipped: pictures left out because what is behind it was full.
        sent_bytes: what has been handed on, waiting or not.
        origin: the time that is 0 in the stream; None before the first picture, unless given.
    """

    def __init__(
        self,
        uri: str,
        description: str,
        *,
        video: str = "",
        sound: str | None = "",
        pads: tuple[str, str] = ("", ""),
        most_bytes: int = 64 << 20,
        full: WhenFull = "wait",
        hold_last: bool = False,
        sound_first: bool = False,
        origin: int | None = None,
        prepare: Callable[[Muxer], None] | None = None,
    ) -> None:
        """Build and start it.

        Args:
            uri: the output's address, for messages.
            description: a launch line whose muxer is named ``mux``, with the sink.
            video, sound: elements between the packets and the muxer, each followed by ``!``;
                sound None: there is none.
            pads: the muxer's pads for picture and sound; by what they carry where not named.
            most_bytes: what may wait for the muxer.
            full: when so much waits: wait, leave out pictures up to the next key frame, or fail.
            hold_last: keep back one picture, so that ``stop`` can say how long the last one is.
            sound_first: link the sound before the picture.
            origin: the time, on the appliance's clock, that is 0 in the stream; None: that of the
                first picture, as it is if that comes before it.
            prepare: called before it starts, to set what must not stand in the description.

        Raises OutputError when an element is missing or does not start.
        """
        self._uri, self._most, self._full, self._hold = uri, most_bytes, full, hold_last
        self.packets = self.skipped = self.sent_bytes = 0
        self.origin = origin
        self.error: str | None = None
        self.begins: int | None = None
        """The time of the first picture, nanoseconds on the appliance's clock."""
        self._told = self._finished = False
        self._skipping = False
        self._held: Packet | None = None
        self._early: deque[Packet] = deque(maxlen=_MOST_EARLY)
        self._lock = threading.Lock()
        self._moved = threading.Condition()
        waits = full == "wait"
        source = f"format=time max-bytes={most_bytes if waits else 0} block={waits}"
        # With what they carry, lest the picture be linked to the muxer's pad for sound.
        parts = [f"appsrc name=video {source} ! video/x-h264 ! {video} mux.{pads[0]}"]
        if sound is not None:
            parts.append(f"appsrc name=sound {source} ! {_SOUND} ! {sound} mux.{pads[1]}")
        if sound_first:
            parts.reverse()
        line = " ".join([parts[0], description, *parts[1:]])
        try:
            self._pipeline: Any = Gst.parse_launch(line)
        except GLib.Error as error:
            raise OutputError(
                f"{uri}: GStreamer cannot build its pipeline: {error.message}"
            ) from None
        self._sources = {
            kind: element
            for kind in ("video", "sound")
            if (element := self._pipeline.get_by_name(kind)) is not None
        }
        self._caps: dict[str, Any] = {}
        self._bus = self._pipeline.get_bus()
        self._bus.enable_sync_message_emission()
        self._handlers = [
            self._bus.connect("sync-message::error", self._on_error),
            self._bus.connect("sync-message::eos", self._on_eos),
        ]
        if prepare is not None:
            prepare(self)
        if self._pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            self._let_go()
            raise OutputError(f"{uri}: {self.error or 'it does not start'}")

    def element(self, name: str) -> Any:
        """The element of this name in the description."""
        return self._pipeline.get_by_name(name)

    @property
    def waiting_bytes(self) -> int:
        """What waits for the muxer."""
        return sum(item.get_property("current-level-bytes") for item in self._sources.values())

    def check(self) -> None:
        """Raises OutputError when it has failed."""
        if self.error is not None:
            self._told = True
            raise OutputError(f"{self._uri}: {self.error}")

    def rejoin(self) -> None:
        """Leave out pictures up to the next key frame (with ``full="skip"``), after a pause."""
        with self._lock:
            self._skipping = self.begins is not None

    def take(self, packet: Packet) -> None:
        """Hand a packet on; see ``Deliver``."""
        with self._lock:
            if packet.kind == "sound":
                self._take_sound(packet)
            elif self.begins is not None or packet.key:
                self._take_picture(packet)

    def _take_picture(self, packet: Packet) -> None:
        if self.begins is None:
            self.begins = packet.pts
            if self.origin is None or self.origin > packet.pts:
                self.origin = packet.pts
        if self._full == "fail" and self.waiting_bytes > self._most:
            self._fail(f"{self._most >> 20} MB wait and are not taken; what is behind it is stuck")
            return
        if self._full == "skip":
            full = self.waiting_bytes > self._most
            self._skipping = full or (self._skipping and not packet.key)
            if self._skipping:
                self.skipped += 1
                return
        if not self._hold:
            self._send(packet, packet.duration)
            return
        before, self._held = self._held, packet
        if before is not None:
            self._send(before, max(1, packet.pts - before.pts))

    def _take_sound(self, packet: Packet) -> None:
        self._early.append(packet)
        while self.begins is not None and self._early:
            piece = self._early.popleft()
            # It goes on while pictures are left out, but not for ever.
            stuck = self._full == "skip" and self.waiting_bytes > 2 * self._most
            if piece.pts >= self.begins and "sound" in self._sources and not stuck:
                self._send(piece, piece.duration)

    def _send(self, packet: Packet, duration: int) -> None:
        assert self.begins is not None
        source = self._sources[packet.kind]
        if self._caps.get(packet.kind) is not packet.caps:
            self._caps[packet.kind] = packet.caps
            source.set_property("caps", packet.caps)
        self.packets += packet.kind == "video"
        self.sent_bytes += packet.buffer.get_size()
        source.push_buffer(packet.at(packet.pts - (self.origin or 0), duration))

    def stop(
        self, *, finish: bool, ends: int | None = None, timeout: float = FINISH_TIMEOUT_S
    ) -> None:
        """End it. With ``finish``, what is waiting is written first, and a file gets its index.

        ``ends``: until when the last picture is shown, if one was held back.

        Raises OutputError when that fails (unless ``check`` has already raised) or takes longer
        than ``timeout`` seconds; it is gone either way.
        """
        if finish and self.error is None and self.begins is not None:
            with self._lock:
                held, self._held = self._held, None
                if held is not None:
                    self._send(held, max(held.duration, (ends or 0) - held.pts))
            for source in self._sources.values():
                source.end_of_stream()
            with self._moved:
                self._moved.wait_for(lambda: self._finished or self.error, timeout)
        self._let_go()
        if finish and self.begins is not None and not self._finished and not self._told:
            raise OutputError(
                f"{self._uri}: not finished properly: "
                f"{self.error or f'the end was not written within {timeout:g} s'}"
            )

    def _let_go(self) -> None:
        """End the pipeline, and break the reference cycle between it and this object."""
        self._pipeline.set_state(Gst.State.NULL)
        for handler in self._handlers:
            self._bus.disconnect(handler)
        self._bus.disable_sync_message_emission()
        self._handlers = []

    def _on_error(self, bus: Any, message: Any) -> None:
        self._fail(redact(error_text(message)))

    def _fail(self, reason: str) -> None:
        with self._moved:
            self.error = self.error or reason
            self._moved.notify_all()

    def _on_eos(self, bus: Any, message: Any) -> None:
        with self._moved:
            self._finished = True
            self._moved.notify_all()
