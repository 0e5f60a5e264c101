"""``rtsp://HOST:PORT/PATH`` or ``rtsps://…``: H.264 for any number of readers, encoded once.

The encoder lives inside gst-rtsp-server's shared media, which exists from the first reader's
DESCRIBE until a few seconds after the last reader leaves: without readers nothing is encoded, and
frames written then are discarded at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog

from appliance.config.settings import OutputSettings, RtspSettings
from appliance.config.uris import port_of, scheme_of
from appliance.errors import InputError, OutputError
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, error_text
from appliance.outputs import encoders
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.rtsp.media import LiveMedia
from appliance.outputs.rtsp.server import RtspServer, SharedFactory
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

UDP_SEND_BYTES = 1 << 20
LINGER_TICKS = 2
MOST_HOLD_UPS = 5


class RtspOutput:
    """One path on an RTSP server."""

    def __init__(
        self, uri: str, video: encoders.Wanted = encoders.DEFAULT, rtsp: RtspSettings | None = None
    ) -> None:
        """``uri`` is rtsp://HOST:PORT/PATH or rtsps://…; port 0 picks a free one.

        ``rtsp`` says who may read, and with which certificate. Raises InputError.
        """
        self.host, self.port, self.path = parse_uri(uri)
        self.uri = uri
        self.dropped = 0
        self._rtsp = rtsp or RtspSettings()
        self._scheme = scheme_of(uri)
        self._wanted = video
        self._server: RtspServer | None = None
        self._factory = SharedFactory()
        self._format = Format(2, 2)
        self._encoder: encoders.Encoder | None = None
        # The one that new readers join, and any being phased out. Replaced, never mutated.
        self._medias: tuple[LiveMedia, ...] = ()
        self._lock = threading.Lock()

    def open(self, format: Format) -> None:
        """Start serving. Raises InputError, MissingDependency or OutputError."""
        self._format = even_format(format)
        self._encoder = encoders.startable(
            encoders.choose(self._wanted.encoder), self._format, self._rate()
        )
        factory = self._factory = SharedFactory()
        factory.set_launch(self._launch())
        factory.set_buffer_size(UDP_SEND_BYTES)
        transports = type(factory.get_protocols())
        # Over UDP the video would travel in the clear, however well the signalling is encrypted.
        udp = transports.UDP if self._scheme == "rtsp" else transports(0)
        factory.set_protocols(udp | transports.TCP)
        factory.connect("media-configure", self._on_configure)
        server = RtspServer.acquire(self.host, self.port, self._rtsp, tls=self._scheme == "rtsps")
        try:
            server.mount(self.path, factory, self)
        except OutputError:
            server.release()
            raise
        self._server = server
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.uri = f"{self._scheme}://{host}:{server.port}{self.path}"

    def use_rtsp(self, rtsp: RtspSettings) -> None:
        """Change the rules for readers at once; see ``RtspServer.configure``. Raises InputError."""
        self._rtsp, server = rtsp, self._server
        if server is not None:
            server.configure(rtsp)

    def prepare_video(self, output: OutputSettings) -> Callable[[], None]:
        """See ``ReadByMany``.

        Present readers keep their stream, at the new bit rate if their encoder can change it while
        running. Readers who come later get an encoder set up in full as asked.
        """
        video = encoders.Wanted.of(output)
        rate = video.rate(self._format)
        encoder = encoders.startable(encoders.choose(video.encoder), self._format, rate)

        def use() -> None:
            with self._lock:
                before, self._encoder, self._wanted = self._encoder, encoder, video
                medias = self._medias
            if before is None:
                return  # not open (yet, or any more): it will open with these
            self._factory.set_launch(self._launch())
            for live in medias:
                if before.name == encoder.name:
                    live.encode(encoder, rate)
                self._retire(live.media)

        return use

    def write(self, frame: Frame) -> None:
        """Hand ``frame`` to the encoder if there is a reader; never waits for one."""
        if self._server is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        if not self._server.alive:
            raise OutputError(f"{self.uri}: its server's thread has died; it is opened anew")
        if self._medias:
            frame = even_frame(frame)
            for live in self._medias:
                self.dropped += not live.push(frame)

    def close(self) -> None:
        """Disconnect this path's readers; the last path on a port also frees the port."""
        with self._lock:
            server, self._server = self._server, None
            medias, self._medias = self._medias, ()
        if server is not None:
            server.unmount(self.path)
            for live in medias:
                server.clients.disconnect(live.media)
                live.release()
                live.forget()
            server.release()

    def clients(self) -> int:
        """Number of readers to which media is being sent now."""
        return sum(live.clients() for live in self._medias)

    def _rate(self) -> encoders.Rate:
        return self._wanted.rate(self._format)

    def _launch(self) -> str:
        assert self._encoder is not None
        return (
            f"( appsrc name=frames ! {encoders.launch(self._encoder, self._format, self._rate())}"
            # The parameter sets go with every key frame, for readers who join later.
            " rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )

    def _on_configure(self, factory: Any, media: Any) -> None:
        """A media with an encoder has been made for its first reader."""
        live = LiveMedia(media, self._format)
        media.connect("target-state", self._on_target_state)
        media.connect("unprepared", self._on_unprepared)
        media.connect("handle-message", self._on_message)
        with self._lock:
            self._medias = (*self._medias, live)

    def _on_target_state(self, media: Any, state: int) -> None:
        if state == int(Gst.State.NULL):
            self._retire(media)

    def _on_unprepared(self, media: Any) -> None:
        with self._lock:
            gone = [live for live in self._medias if live.media == media]
            self._medias = tuple(live for live in self._medias if live.media != media)
        for live in gone:
            live.forget()

    def _retire(self, media: Any) -> None:
        """Let nobody else join this media; whoever comes next gets a new one."""
        with self._lock:
            for live in self._medias:
                if live.media == media and not live.retired:
                    live.retired = True
                    self._factory.retire()

    def on_play(self, media: Any) -> None:
        """A reader starts: make the next frame a key frame, so that it sees a picture at once."""
        server = self._server
        for live in self._medias:
            if live.media == media and server is not None:
                live.readers.set(server.clients.reader_sockets(media))
                live.force_key_frame()

    def on_tick(self) -> None:
        """Keep track of the readers; release a media that has none.

        It is retired first and released a tick later: by then, a reader who was just given it has
        a hold on it. If it were released at once, that reader would get an error 503.
        """
        server = self._server
        for live in self._medias if server is not None else ():
            assert server is not None
            live.readers.set(server.clients.reader_sockets(live.media))
            if live.hold_ups > MOST_HOLD_UPS:
                log.warning("rtsp readers over TCP are too slow; put out", uri=self.uri)
                live.hold_ups = 0
                server.clients.disconnect(live.media, tcp_only=True)
            if live.retired:
                live.release()
                live.let_go_by_force(used=server.clients.is_used(live.media))
            elif live.unused_ticks(used=server.clients.is_used(live.media)) > LINGER_TICKS:
                self._retire(live.media)

    def _on_message(self, media: Any, message: Any) -> bool:
        """On an error in the media, disconnect its readers, so that they come back to a new one."""
        encoder, server = self._encoder, self._server
        if message.type == Gst.MessageType.ERROR and encoder is not None and server is not None:
            log.warning("rtsp media failed", uri=self.uri, reason=error_text(message))
            if encoder.hardware:
                log.warning("encoder replaced", failed=encoder.name, using=encoders.SOFTWARE)
                self._encoder = encoders.choose(encoders.SOFTWARE)
                self._factory.set_launch(self._launch())
            self._retire(media)
            server.later(lambda: server.clients.disconnect(media))
        return False


def parse_uri(uri: str) -> tuple[str, int, str]:
    """Host, port and path of an RTSP output's address. Raises InputError."""
    shape = "expected rtsp://HOST:PORT/PATH, for example rtsp://127.0.0.1:8554/live"
    shown = redact(uri)
    try:
        parts = urlsplit(uri)
        port = port_of(uri)
    except (KeyError, ValueError) as error:
        raise InputError(f"output {shown!r}: {error}; {shape}") from None
    if parts.username is not None:
        raise InputError(
            f"output {shown!r}: user and password have no place in it, but in rtsp.user and "
            f"rtsp.password; {shape}"
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise InputError(f"output {shown!r}: {shape}")
    path = parts.path.rstrip("/")
    if not path or "//" in path or any(char.isspace() or char == "%" for char in path):
        raise InputError(f"output {shown!r}: the path {parts.path!r} cannot be served; {shape}")
    # By name it would be listened at on whichever address the system names first, often only ::1.
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return host, port, path
