"""One RTSP server for each address, shared by every output that has a path on it.

gst-rtsp-server runs in a GLib context and thread of its own, and gives every connection's
requests to a few threads more; nothing of it ever runs in a thread of the pipeline.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from appliance.errors import MissingDependency, OutputError
from appliance.gst import GLib

try:
    import gi

    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GstRtsp, GstRtspServer
except (ImportError, ValueError) as error:
    raise MissingDependency(
        f"GStreamer's RTSP server is not to be had here ({error}); install it with: "
        "apt install gir1.2-gst-rtsp-server-1.0"
    ) from error

__all__ = ["GstRtspServer", "RtspServer"]

TICK_MS = 1000
SESSION_TIMEOUT_S = 30
IDLE_TIMEOUT_S = 20
UNREAD_TIMEOUT_MS = 10_000
REQUEST_BYTES = 64 << 10
CLIENT_THREADS = 8


class Mounted(Protocol):
    """What is told of the readers of a path, from the server's threads."""

    def on_play(self, media: Any) -> None:
        """A reader starts to play ``media``, which may be another path's."""

    def on_tick(self) -> None:
        """To be called every ``TICK_MS``."""


class SharedFactory(GstRtspServer.RTSPMediaFactory):
    """A factory whose readers all share one media, thus one encoder.

    By default ``/live`` and ``/live?a`` would each get an encoder of their own, and a reader that
    comes while the last one's media is being taken down would get that one, and an error 503.
    """

    __gtype_name__ = "MatteboxSharedFactory"

    def __init__(self) -> None:
        super().__init__()
        self._generation = 0
        self.set_shared(True)

    def do_gen_key(self, url: Any) -> str:
        """The key under which a media is shared: the same for every address."""
        return str(self._generation)

    def retire(self) -> None:
        """From now on readers get a new media; those of the present one keep it."""
        self._generation += 1


class RtspServer:
    """The server of one address; ``acquire`` and ``release`` count its users."""

    _running: ClassVar[dict[tuple[str, int], RtspServer]] = {}
    _lock = threading.Lock()

    def __init__(self, host: str, port: int) -> None:
        self._users = 1
        self._server = GstRtspServer.RTSPServer.new()
        self._server.set_address(host)
        self._server.set_service(str(port))
        self._server.set_content_length_limit(REQUEST_BYTES)
        self._server.get_thread_pool().set_max_threads(CLIENT_THREADS)
        try:
            # Made here, not by attach(): that one gives no reason when it fails, and keeps the
            # port until the last reference to the server is gone.
            self._socket = self._server.create_socket(None)
        except GLib.Error as error:
            raise OutputError(_bind_error(host, port, error.message)) from error
        self.host = host
        self.port: int = self._socket.get_local_address().get_port()
        self._server.connect("client-connected", self._on_client)
        self._since: dict[int, float] = {}
        self._mounted: dict[str, Mounted] = {}
        self._context = GLib.MainContext.new()
        self._loop = GLib.MainLoop.new(self._context, False)
        self._sources = [
            self._watch(
                GLib.unix_fd_source_new(self._socket.get_fd(), GLib.IOCondition.IN), self._on_accept
            ),
            self._watch(GLib.timeout_source_new(TICK_MS), self._on_tick),
        ]
        name = f"rtsp-{self.port}"
        self._thread = threading.Thread(target=self._loop.run, name=name, daemon=True)
        self._thread.start()

    @classmethod
    def acquire(cls, host: str, port: int) -> RtspServer:
        """The server on this address, started if need be. Port 0 always starts one, on a free port.

        Raises OutputError when the port is taken or the address is not this machine's.
        """
        with cls._lock:
            server = cls._running.get((host, port))
            if server is None:
                server = cls(host, port)
                cls._running[(host, server.port)] = server
            else:
                server._users += 1
            return server

    def release(self) -> None:
        """Give it back; the last one closes every connection and the port."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                del self._running[(self.host, self.port)]
                self._stop()

    def mount(self, path: str, factory: Any, mounted: Mounted) -> None:
        """Serve ``factory`` at ``path``. Raises OutputError when the path is taken."""
        if path in self._mounted:
            raise OutputError(
                f"rtsp://{self.host}:{self.port}{path}: another output has this address; "
                "give each output a path of its own"
            )
        self._mounted[path] = mounted
        self._server.get_mount_points().add_factory(path, factory)

    def unmount(self, path: str) -> None:
        """Stop serving ``path``; those who read it go on until they are disconnected."""
        self._server.get_mount_points().remove_factory(path)
        del self._mounted[path]

    def disconnect(self, media: Any, *, tcp_only: bool = False) -> None:
        """Close the connection of every client that has a session on ``media``."""
        for client in self._server.client_filter(None):
            for item in _session_medias(client):
                if item.get_media() == media and (_is_tcp(item) or not tcp_only):
                    client.close()

    def is_used(self, media: Any) -> bool:
        """Whether any session, playing or not yet, is on ``media``."""
        return any(
            item.get_media() == media
            for client in self._server.client_filter(None)
            for item in _session_medias(client)
        )

    def reader_sockets(self, media: Any) -> list[int | None]:
        """For each playing reader of ``media``: its TCP socket's descriptor, or None over UDP."""
        sockets: list[int | None] = []
        for client in self._server.client_filter(None):
            for item in _session_medias(client):
                if item.get_media() == media and _is_playing(item):
                    descriptor = client.get_connection().get_write_socket().get_fd()
                    sockets.append(descriptor if _is_tcp(item) else None)
        return sockets

    def later(self, call: Callable[[], None]) -> None:
        """Run ``call`` soon in the server's own thread."""

        def once(*_: Any) -> bool:
            call()
            return False

        self._watch(GLib.idle_source_new(), once)

    def _stop(self) -> None:
        for source in self._sources:
            source.destroy()
        self._socket.close()
        for client in self._server.client_filter(None):
            client.close()
        self._server.get_session_pool().filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
        # From within: a quit before the loop runs would be forgotten.
        self.later(self._loop.quit)
        self._thread.join(2.0)
        if self._thread.is_alive():
            raise OutputError(f"rtsp://{self.host}:{self.port}: its thread did not end within 2 s")

    def _watch(self, source: Any, callback: Callable[..., bool]) -> Any:
        source.set_callback(callback)
        source.attach(self._context)
        return source

    def _on_accept(self, *_: Any) -> bool:
        return bool(
            GstRtspServer.RTSPServer.io_func(self._socket, GLib.IOCondition.IN, self._server)
        )

    def _on_client(self, server: Any, client: Any) -> None:
        """A connection was accepted: see that it cannot hold what it does not use."""
        client.set_property("drop-backlog", True)
        # When its session times out the connection goes as well.
        client.set_property("post-session-timeout", 0)
        client.connect("new-session", _on_session)
        client.connect("pre-describe-request", self._on_describe)
        client.connect("play-request", self._on_play)
        descriptor = client.get_connection().get_write_socket().get_fd()
        with socket.socket(fileno=socket.dup(descriptor)) as handle:
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_TIMEOUT_MS)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def _on_describe(self, client: Any, context: Any) -> Any:
        """404 for all but the mounted paths; by itself it takes /live/any/thing for /live."""
        known = context.uri.abspath.rstrip("/") in self._mounted
        return GstRtsp.RTSPStatusCode.OK if known else GstRtsp.RTSPStatusCode.NOT_FOUND

    def _on_play(self, client: Any, context: Any) -> None:
        for mounted in list(self._mounted.values()):
            mounted.on_play(context.media)

    def _on_tick(self, *_: Any) -> bool:
        """Every ``TICK_MS``: end sessions that timed out, and connections that do nothing."""
        self._server.get_session_pool().cleanup()
        now = time.monotonic()
        clients = self._server.client_filter(None)
        self._since = {hash(item): self._since.get(hash(item), now) for item in clients}
        for client in clients:
            medias = _session_medias(client)
            if medias:
                self._since[hash(client)] = now
            idle = now - self._since[hash(client)] > IDLE_TIMEOUT_S
            if idle or any(_was_dropped(item) for item in medias):
                client.close()
        for mounted in list(self._mounted.values()):
            mounted.on_tick()
        return True


def _on_session(client: Any, session: Any) -> None:
    session.set_timeout(SESSION_TIMEOUT_S)


def _session_medias(client: Any) -> list[Any]:
    return [item for session in client.session_filter(None) for item in session.filter(None)]


def _is_playing(media: Any) -> bool:
    return media.get_rtsp_state().value_nick == "playing" and media.get_transport(0) is not None


def _is_tcp(media: Any) -> bool:
    transport = media.get_transport(0)
    if transport is None:
        return False
    way = transport.get_transport().lower_transport
    return bool(way == type(way).TCP)


def _was_dropped(media: Any) -> bool:
    """True when a playing client lost its transport: it read too slowly for ten seconds."""
    if not _is_playing(media) or not media.get_media().n_streams():
        return False
    return media.get_transport(0) not in media.get_media().get_stream(0).transport_filter(None)


def _bind_error(host: str, port: int, reason: str) -> str:
    return (
        f"rtsp://{host}:{port}: cannot listen there ({reason}); see who holds the port with: "
        f"ss -ltnp 'sport = :{port}', stop that program, or give the output another port"
    )
