"""One RTSP server per address, shared by every output that has a path on it.

gst-rtsp-server runs in a GLib context and thread of its own, and spreads the connections' requests
over a few more threads; none of it ever runs in a pipeline thread.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import structlog

from appliance.config.settings import RtspSettings
from appliance.errors import InputError, OutputError
from appliance.media.gst import GLib
from appliance.outputs.rtsp import access, certificate
from appliance.outputs.rtsp.clients import Clients
from appliance.outputs.rtsp.library import Gio, GstRtspServer
from appliance.outputs.rtsp.tls import TlsFront
from appliance.outputs.rtsp.waiting import Waiting

__all__ = ["RtspServer", "SharedFactory"]

TICK_MS = 1000
REQUEST_BYTES = 64 << 10
CLIENT_THREADS = 8
BACKLOG = 128
CERTIFICATE_LOOK_S = 10.0
END_S = 0.5

log = structlog.get_logger(__name__)


class Mounted(Protocol):
    """What is told about a path's readers, from the server's threads."""

    def on_play(self, media: Any) -> None:
        """A reader starts to play ``media``, which may belong to another path."""

    def on_tick(self) -> None:
        """Called every ``TICK_MS``."""


class SharedFactory(GstRtspServer.RTSPMediaFactory):
    """A factory whose readers all share one media, and so one encoder.

    By default, ``/live`` and ``/live?a`` would each get an encoder of their own, and a reader who
    comes while the last reader's media is being taken down would get that media, and an error 503.
    """

    __gtype_name__ = "MatteboxSharedFactory"

    def __init__(self) -> None:
        super().__init__()
        self._generation = 0
        self.set_shared(True)
        access.permit(self)

    def do_gen_key(self, url: Any) -> str:
        """The key under which a media is shared, the same for every address."""
        return str(self._generation)

    def retire(self) -> None:
        """Give new readers a new media from now on; those of the present one keep it."""
        self._generation += 1


class RtspServer:
    """The server of one address; ``acquire`` and ``release`` count its users."""

    _running: ClassVar[dict[tuple[str, int], RtspServer]] = {}
    _lock = threading.Lock()

    def __init__(self, host: str, port: int, rtsp: RtspSettings, *, tls: bool) -> None:
        self._users = 1
        self.host, self.tls = host, tls
        self._rtsp = rtsp
        self._changing = threading.Lock()
        # Before a port is taken: if this raises, it must leave nothing behind.
        self._certificate, self._looked = certificate.state(rtsp), time.monotonic()
        context = certificate.load(rtsp) if tls else None
        self._server = GstRtspServer.RTSPServer.new()
        self._server.set_content_length_limit(REQUEST_BYTES)
        # The default backlog is five; a sixth connection at once would retry only after a second.
        self._server.set_backlog(BACKLOG)
        self._server.set_auth(access.auth(rtsp))
        self._server.set_address(host)
        self._server.set_service(str(port))
        self._server.get_thread_pool().set_max_threads(CLIENT_THREADS)
        try:
            # Made here, not by attach(), which gives no reason when it fails, and keeps the port
            # until the last reference to the server is gone.
            self._socket = self._server.create_socket(None)
        except GLib.Error as error:
            raise OutputError(_bind_error(host, port, error.message)) from error
        self.port: int = self._socket.get_local_address().get_port()
        self.clients = Clients(self._server, rtsp, self._uri)
        self._mounted: dict[str, Mounted] = {}
        self._server.set_mount_points(access.Paths(self._mounted.__contains__))
        self._server.connect("client-connected", self._on_client)
        self._context = GLib.MainContext.new()
        self._loop = GLib.MainLoop.new(self._context, False)
        self._accepting: Any = None
        self._waiting = Waiting(self._watch, self._hand_on)
        self._front: TlsFront | None = None
        if context is not None:
            self._front = self._encrypted(context)
        else:
            self._accepting = self._accept()
        self._ticking = self._watch(GLib.timeout_source_new(TICK_MS), self._on_tick)
        name = f"rtsp-{self.port}"
        self._thread = threading.Thread(target=self._loop.run, name=name, daemon=True)
        self._thread.start()

    @classmethod
    def acquire(cls, host: str, port: int, rtsp: RtspSettings, *, tls: bool) -> RtspServer:
        """The server on this address, started if need be; port 0 always starts one on a free port.

        Raises OutputError when the port is taken or the address is not this machine's, and
        InputError when password or certificate is unavailable.
        """
        with cls._lock:
            server = cls._running.get((host, port))
            if server is None:
                server = cls(host, port, rtsp, tls=tls)
                cls._running[(host, server.port)] = server
            elif server.tls != tls:
                raise OutputError(_bind_error(host, port, f"{server._scheme}:// is served there"))
            else:
                server.configure(rtsp)
                server._users += 1
            return server

    def release(self) -> None:
        """Give up one use; the last one closes every connection and the port."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                del self._running[(self.host, self.port)]
                self._stop()

    def configure(self, rtsp: RtspSettings) -> None:
        """Change the rules for readers; after a new password, all must log in again.

        Raises InputError when password or certificate is unavailable, having changed nothing.
        """
        with self._changing:
            old = self._rtsp
            if rtsp == old:
                return
            state = certificate.state(rtsp)
            context = certificate.load(rtsp) if self.tls else None
            self._server.set_auth(access.auth(rtsp))
            self._rtsp, self._certificate = rtsp, state
            if self._front is not None and context is not None:
                self._front.context, self._front.unread_s = context, rtsp.unread_timeout_s
            self.clients.configure(rtsp)
            if rtsp.password and _known_to_readers(rtsp) != _known_to_readers(old):
                count = self.clients.close_all()
                log.info("rtsp: readers must give the new password", uri=self._uri, closed=count)

    def mount(self, path: str, factory: Any, mounted: Mounted) -> None:
        """Serve ``factory`` at ``path``. Raises OutputError when the path is taken."""
        if path in self._mounted or path == access.NOWHERE:
            raise OutputError(
                f"{self._uri}{path}: another output has this address; "
                "give each output a path of its own"
            )
        self._mounted[path] = mounted
        self._server.get_mount_points().add_factory(path, factory)

    def unmount(self, path: str) -> None:
        """Stop serving ``path``; its present readers go on until they are disconnected."""
        self._server.get_mount_points().remove_factory(path)
        del self._mounted[path]

    def later(self, call: Callable[[], None]) -> None:
        """Run ``call`` soon in the server's own thread."""

        def once(*_: Any) -> bool:
            call()
            return False

        self._watch(GLib.idle_source_new(), once)

    @property
    def _scheme(self) -> str:
        return "rtsps" if self.tls else "rtsp"

    @property
    def _uri(self) -> str:
        return f"{self._scheme}://{self.host}:{self.port}"

    def _stop(self) -> None:
        self._ticking.destroy()
        if self._front is not None:
            self._front.stop()
        elif self._accepting is not None:
            self._accepting.destroy()
        self._socket.close()
        self._waiting.close()
        if not self.clients.end(END_S):
            log.warning("rtsp: connections are left behind", uri=self._uri)
        self._server.get_session_pool().filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
        # From inside the loop: a quit before it runs would be lost.
        self.later(self._loop.quit)
        self._thread.join(2.0)
        if self._thread.is_alive():
            raise OutputError(f"{self._uri}: its thread did not end within 2 s")

    def _watch(self, source: Any, callback: Callable[..., bool]) -> Any:
        source.set_callback(callback)
        source.attach(self._context)
        return source

    def _accept(self) -> Any:
        source = GLib.unix_fd_source_new(self._socket.get_fd(), GLib.IOCondition.IN)
        return self._watch(source, self._on_accept)

    def _on_accept(self, *_: Any) -> bool:
        if not _descriptors_left():
            # Tried again at the next tick; otherwise this would be called in an endless loop.
            self._accepting = None
            log.warning("rtsp: no file descriptor is left for a connection", uri=self._uri)
            return False
        try:
            handle = self._socket.accept(None)
            address = handle.get_remote_address().get_address().to_string()
        except GLib.Error as error:
            log.debug("rtsp: a connection went before it was accepted", reason=error.message)
            return True
        full = not self.clients.admit(self.clients.count() + len(self._waiting))
        if full and not self._waiting.make_room():
            handle.close()
            return True
        self._waiting.add(handle, address)
        return True

    def _hand_on(self, handle: Any) -> None:
        """Give the library a connection that has begun to speak RTSP."""
        try:
            peer = handle.get_remote_address()
        except GLib.Error as error:
            log.debug("rtsp: a connection went before it was taken", reason=error.message)
            handle.close()
            return
        self._server.transfer_connection(
            handle, peer.get_address().to_string(), peer.get_port(), None
        )

    def _encrypted(self, context: ssl.SSLContext) -> TlsFront:
        """The front that accepts instead of the library, and hands it decrypted connections."""
        listening = socket.socket(fileno=socket.dup(self._socket.get_fd()))
        return TlsFront(
            listening, context, self._take, self.clients.admit, self._rtsp.unread_timeout_s
        )

    def _take(self, clear: socket.socket, address: str, port: int) -> None:
        handle = Gio.Socket.new_from_fd(clear.detach())
        self._server.transfer_connection(handle, address, port, None)

    def _on_client(self, _: Any, client: Any) -> None:
        client.connect("play-request", self._on_play)

    def _on_play(self, client: Any, context: Any) -> None:
        for mounted in list(self._mounted.values()):
            mounted.on_play(context.media)

    @property
    def alive(self) -> bool:
        """Whether its thread is running."""
        return self._thread.is_alive()

    def _on_tick(self, *_: Any) -> bool:
        """Runs every ``TICK_MS``. A bug must not end the ticks: GLib drops what raises."""
        try:
            self._tick()
        except Exception:
            log.exception("a mistake in the RTSP server; it goes on", server=self._uri)
        return True

    def _tick(self) -> None:
        """End sessions that timed out and connections that do nothing; look after the rest."""
        self._server.get_session_pool().cleanup()
        self.clients.look()
        self._waiting.look(self._rtsp.idle_timeout_s)
        for mounted in list(self._mounted.values()):
            mounted.on_tick()
        if self._front is None:
            self._accepting = self._accepting or self._accept()
        elif time.monotonic() - self._looked > CERTIFICATE_LOOK_S:
            self._looked = time.monotonic()
            self._renew(self._front)

    def _renew(self, front: TlsFront) -> None:
        """Load the certificate again if its files have changed; new connections get it."""
        with self._changing:
            state = certificate.state(self._rtsp)
            if state == self._certificate:
                return
            # Tried once per state of the files, so that a bad one is logged once.
            self._certificate = state
            try:
                front.context = certificate.load(self._rtsp) or front.context
            except InputError as error:
                log.error("rtsp: the old certificate stays", uri=self._uri, reason=str(error))
            else:
                log.info("rtsp: the certificate was renewed", uri=self._uri)


def _known_to_readers(rtsp: RtspSettings) -> tuple[str, str]:
    return (rtsp.user, rtsp.password.reveal())


def _descriptors_left() -> bool:
    """Whether there are enough for another connection, each of which needs a few."""
    taken: list[int] = []
    try:
        for _ in range(4):
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return True


def _bind_error(host: str, port: int, reason: str) -> str:
    if "assign" in reason.lower():
        return (
            f"rtsp://{host}:{port}: cannot listen there ({reason}), as it is no address of this "
            f"machine; to bring the stream to a server there, write rtsp+push://{host}:{port}/…"
        )
    return (
        f"rtsp://{host}:{port}: cannot listen there ({reason}); see who holds the port with: "
        f"ss -ltnp 'sport = :{port}', stop that program, or give the output another port"
    )
