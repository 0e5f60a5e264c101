"""``rtsp://HOST:PORT/PATH``: H.264 for any number of readers, encoded once, and only for readers.

The appsrc and the encoder live inside gst-rtsp-server's shared media, which exists from the first
reader's DESCRIBE to the last one's leaving. A frame written while nobody reads is let go at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog

from appliance.errors import InputError, OutputError
from appliance.frame import Format, Frame
from appliance.gst import Gst, GstVideo, buffer_of, caps_of
from appliance.outputs import encoders
from appliance.outputs.clock import ArrivalClock
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.readers import Readers
from appliance.outputs.rtsp_server import RtspServer, SharedFactory

log = structlog.get_logger(__name__)

QUEUED_FRAMES = 2
UDP_SEND_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Live:
    """The media that readers share now."""

    media: Any
    frames: Any
    clock: ArrivalClock
    readers: Readers

    def force_key_frame(self) -> None:
        """Make the next frame one that a decoder can start at."""
        never = Gst.CLOCK_TIME_NONE
        self.frames.send_event(
            GstVideo.video_event_new_downstream_force_key_unit(never, never, never, True, 0)
        )


class RtspOutput:
    """One path on an RTSP server."""

    def __init__(self, uri: str, video: encoders.Wanted = encoders.DEFAULT) -> None:
        """``uri`` is rtsp://HOST:PORT/PATH; port 0 takes a free one. Raises InputError."""
        self.host, self.port, self.path = parse_uri(uri)
        self.uri = uri
        self.dropped = 0
        self._wanted = video
        self._server: RtspServer | None = None
        self._factory: Any = None
        self._format = Format(2, 2)
        self._encoder: encoders.Encoder | None = None
        self._live: _Live | None = None
        self._lock = threading.Lock()

    def open(self, format: Format) -> None:
        """Listen and answer. Raises InputError, MissingDependency or OutputError."""
        self._format = even_format(format)
        self._encoder = encoders.startable(
            encoders.choose(self._wanted.encoder), self._format, self._rate()
        )
        factory = SharedFactory()
        factory.set_shared(True)
        factory.set_launch(self._launch())
        factory.set_buffer_size(UDP_SEND_BYTES)
        transports = type(factory.get_protocols())
        factory.set_protocols(transports.UDP | transports.TCP)
        factory.connect("media-configure", self._on_configure)
        server = RtspServer.acquire(self.host, self.port)
        try:
            server.mount(self.path, factory, self._on_readers)
        except OutputError:
            server.release()
            raise
        self._server, self._factory = server, factory
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.uri = f"rtsp://{host}:{server.port}{self.path}"

    def write(self, frame: Frame) -> None:
        """Hand ``frame`` to the encoder if anybody reads; never waits for a reader."""
        if self._server is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        live = self._live
        # Until the media runs there is no clock to stamp by.
        if live is None or live.frames.current_state != Gst.State.PLAYING:
            return
        behind = live.readers.behind
        if live.readers.all_behind():
            # Dropped before the encoder, so that no reader sees a picture with parts missing.
            self.dropped += 1
            return
        if behind:
            live.force_key_frame()
        if live.frames.get_property("current-level-buffers") >= QUEUED_FRAMES:
            self.dropped += 1
        pts = live.clock.stamp(live.frames.get_current_running_time())
        live.frames.push_buffer(buffer_of(even_frame(frame), pts, self._period()))

    def close(self) -> None:
        """Disconnect this path's readers; the last path on a port also frees the port."""
        with self._lock:
            server, self._server = self._server, None
            live, self._live = self._live, None
        if server is not None:
            server.unmount(self.path, live.media if live else None)
            server.release()

    def clients(self) -> int:
        """Readers to which media is being sent now."""
        live = self._live
        if live is None or not live.media.n_streams():
            return 0
        return len(live.media.get_stream(0).transport_filter(None))

    def _rate(self) -> encoders.Rate:
        return self._wanted.rate(self._format)

    def _period(self) -> int:
        return int(1e9 / self._format.rate)

    def _launch(self) -> str:
        assert self._encoder is not None
        return (
            f"( appsrc name=frames ! {encoders.launch(self._encoder, self._format, self._rate())}"
            # The parameter sets go with every key frame, for readers that come in later.
            " rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )

    def _on_configure(self, factory: Any, media: Any) -> None:
        """The first reader came: a media with an encoder was made."""
        frames = media.get_element().get_by_name("frames")
        frames.set_property("caps", caps_of(self._format))
        frames.set_property("format", Gst.Format.TIME)
        frames.set_property("is-live", True)
        frames.set_property("max-bytes", 0)
        frames.set_property("max-buffers", QUEUED_FRAMES)
        frames.set_property("leaky-type", 2)
        frames.set_property("emit-signals", False)
        media.get_element().get_parent().connect("deep-element-added", _never_wait)
        live = _Live(media, frames, ArrivalClock(self._period()), Readers())
        media.connect("unprepared", self._on_unprepared)
        media.connect("handle-message", self._on_message)
        with self._lock:
            self._live = live

    def _on_unprepared(self, media: Any) -> None:
        """The last reader left."""
        with self._lock:
            if self._live is not None and self._live.media == media:
                self._live = None

    def _on_readers(self, media: Any, started: bool) -> None:
        """Readers came or went; one that starts gets a key frame, to see a picture at once."""
        live, server = self._live, self._server
        if live is not None and server is not None and live.media == media:
            live.readers.set(server.reader_sockets(media))
            if started:
                live.force_key_frame()

    def _on_message(self, media: Any, message: Any) -> bool:
        """An error within the media: a hardware encoder that fails gives way to x264."""
        if message.type == Gst.MessageType.ERROR:
            error, _ = message.parse_error()
            encoder = self._encoder
            log.warning("rtsp media failed", uri=self.uri, reason=error.message)
            if encoder is not None and encoder.hardware and self._server is not None:
                log.warning("encoder replaced", failed=encoder.name, using=encoders.SOFTWARE)
                self._encoder = encoders.choose(encoders.SOFTWARE)
                self._factory.set_launch(self._launch())
        return False


def _never_wait(pipeline: Any, parent: Any, element: Any) -> None:
    """Let no reader hold up the encoder, and with it the other readers.

    gst-rtsp-server's TCP sink holds one frame and waits while every TCP reader is behind; a reader
    over UDP would wait with them, and one that joins would never start.
    """
    if element.get_factory().get_name() == "appsink":
        element.set_property("drop", True)


def parse_uri(uri: str) -> tuple[str, int, str]:
    """Host, port and path of an RTSP output's address. Raises InputError."""
    shape = "expected rtsp://HOST:PORT/PATH, for example rtsp://127.0.0.1:8554/live"
    try:
        parts = urlsplit(uri)
        port = 8554 if parts.port is None else parts.port
    except ValueError as error:
        raise InputError(f"output {uri!r}: {error}; {shape}") from None
    if parts.username is not None:
        raise InputError(f"output rtsp://{parts.hostname}: a user name has no place in it; {shape}")
    if parts.scheme != "rtsp" or not parts.hostname or parts.query or parts.fragment:
        raise InputError(f"output {uri!r}: {shape}")
    path = parts.path.rstrip("/")
    if not path or "//" in path or any(char.isspace() or char == "%" for char in path):
        raise InputError(f"output {uri!r}: the path {parts.path!r} cannot be served; {shape}")
    return parts.hostname, port, path
