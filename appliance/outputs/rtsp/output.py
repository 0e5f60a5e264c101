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
from appliance.errors import InputError, MatteboxError, OutputError
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, error_text
from appliance.outputs import encoders
from appliance.outputs.encoded.audio import codec_of
from appliance.outputs.encoded.shared import EncodedStream, Encoders
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
        self,
        uri: str,
        video: encoders.Wanted = encoders.DEFAULT,
        rtsp: RtspSettings | None = None,
        sound: str = "auto",
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
        self._codec = codec_of(sound, "opus")
        self._gone = 0
        self._server: RtspServer | None = None
        self._factory = SharedFactory()
        self._format = Format(2, 2)
        # The one that new readers join, and any being phased out. Replaced, never mutated.
        self._medias: tuple[LiveMedia, ...] = ()
        self._lock = threading.Lock()

    def open(self, format: Format) -> None:
        """Start serving. Raises InputError, MissingDependency or OutputError."""
        self._format = even_format(format)
        # Found out now rather than when the first reader comes.
        Encoders.choose(self._wanted, self._format)
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

        Present readers keep their stream, from the new encoder's first key frame on.
        """
        video = self._wanted.following(encoders.Wanted.of(output))
        Encoders.choose(video, self._format)

        def use() -> None:
            self._wanted = video
            for live in self._medias:
                try:
                    live.change(video)
                except MatteboxError as error:
                    self._fail(live, str(error))

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
                try:
                    live.push(frame)
                except OutputError as error:
                    self._fail(live, str(error))
            self.dropped = self._gone + sum(live.dropped for live in self._medias)

    def hear(self, sound: AudioBlock) -> None:
        """See ``Hears``."""
        for live in self._medias:
            live.stream.hear(sound)

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

    @property
    def wanted(self) -> bool:
        """Whether there is a reader, or one is being let in: a composite will be seen."""
        return bool(self._medias)

    @property
    def idle(self) -> bool:
        """See ``Idles``; never while ``write`` has a failure to report."""
        server = self._server
        return not self._medias and server is not None and server.alive

    def clients(self) -> int:
        """Number of readers to which media is being sent now."""
        return sum(live.clients() for live in self._medias)

    def _launch(self) -> str:
        # The tee, because what no reader asks for ends nowhere, which is no failure.
        source = (
            "format=time is-live=true max-bytes=0 max-buffers=0 max-time=0 ! "
            "tee allow-not-linked=true"
        )
        # The parameter sets go with every key frame, for readers who join later.
        video = f"appsrc name=video {source} ! rtph264pay name=pay0 pt=96 config-interval=-1"
        # The sound has its place whether or not the source has any: another may have, later.
        pay = {"opus": "rtpopuspay", "aac": "rtpmp4gpay"}.get(self._codec or "")
        sound = f" appsrc name=sound {source} ! {pay} name=pay1 pt=97" if pay else ""
        return f"( {video}{sound} )"

    def _on_configure(self, factory: Any, media: Any) -> None:
        """A media has been made for its first reader: it takes packets from now on."""
        try:
            live = LiveMedia(
                media,
                lambda deliver: EncodedStream(self._format, self._wanted, self._codec, deliver),
            )
        except MatteboxError as error:
            log.warning("rtsp media failed", uri=self.uri, reason=str(error))
            return
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
            self._gone += live.dropped

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
        if message.type == Gst.MessageType.ERROR:
            for live in self._medias:
                if live.media == media:
                    self._fail(live, error_text(message))
        return False

    def _fail(self, live: LiveMedia, reason: str) -> None:
        """Disconnect the readers of a media that has failed: they come back to a new one."""
        server = self._server
        if live.failed or server is None:
            return
        live.failed = True
        log.warning("rtsp media failed", uri=self.uri, reason=reason)
        self._retire(live.media)
        server.later(lambda: server.clients.disconnect(live.media))


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
