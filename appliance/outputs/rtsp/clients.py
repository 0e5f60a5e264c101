"""The connections of one RTSP server: how many, how long, and who of them reads what."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog

from appliance.config.settings import RtspSettings
from appliance.media.gst import GLib

_libc = ctypes.CDLL(None, use_errno=True)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Connection:
    """What is known of one: its socket, and since when it has set up no stream.

    The library's own object forgets its socket when it is closed, and says so on stderr when asked.
    """

    socket: Any
    idle_since: float
    closing: bool = False


class Clients:
    """Looks after the connections that gst-rtsp-server has accepted."""

    def __init__(self, server: Any, rtsp: RtspSettings, name: str) -> None:
        """``server`` is the library's; ``name`` stands for it in the log."""
        self._server, self._rtsp, self._name = server, rtsp, name
        self._connections: dict[int, _Connection] = {}
        self._full = False
        server.connect("client-connected", self._on_client)

    def configure(self, rtsp: RtspSettings) -> None:
        """Other limits, from now on and for those who are there; nobody is sent away by them."""
        self._rtsp = rtsp
        for client in self._all():
            self._limit_unread(client)
            for session in client.session_filter(None):
                session.set_timeout(rtsp.session_timeout_s)

    def count(self) -> int:
        """Connections now, whatever they do."""
        return len(self._connections)

    def admit(self, count: int | None = None) -> bool:
        """Whether one more is to be accepted besides ``count``; says once when not."""
        full = (self.count() if count is None else count) >= self._rtsp.max_clients
        if full and not self._full:
            log.warning(
                "rtsp: too many connections; further ones are closed",
                uri=self._name, max_clients=self._rtsp.max_clients,
            )  # fmt: skip
        self._full = full
        return not full

    def close_all(self) -> int:
        """Close every connection; how many there were."""
        clients = self._all()
        for client in clients:
            self._close(client)
        return len(clients)

    def end(self, seconds: float) -> bool:
        """Close every connection and wait until they are; False when some are not after that."""
        deadline, tick = time.monotonic() + seconds, threading.Event()
        self.close_all()
        while self.count() and time.monotonic() < deadline:
            tick.wait(0.02)
            if time.monotonic() > deadline - seconds / 2:
                self.close_all()
        return not self.count()

    def disconnect(self, media: Any, *, tcp_only: bool = False) -> None:
        """Close the connection of every client that has a session on ``media``."""
        for client in self._all():
            for item in _session_medias(client):
                if item.get_media() == media and (_is_tcp(item) or not tcp_only):
                    self._close(client)

    def is_used(self, media: Any) -> bool:
        """Whether any session, playing or not yet, is on ``media``."""
        return any(
            item.get_media() == media for client in self._all() for item in _session_medias(client)
        )

    def reader_sockets(self, media: Any) -> list[int | None]:
        """For each playing reader of ``media``: its TCP socket's descriptor, or None over UDP."""
        sockets: list[int | None] = []
        for client in self._all():
            for item in _session_medias(client):
                connection = self._connections.get(hash(client))
                if connection and item.get_media() == media and _is_playing(item):
                    sockets.append(connection.socket.get_fd() if _is_tcp(item) else None)
        return sockets

    def look(self) -> None:
        """To be called every second: close connections that do nothing, or lost their stream."""
        now = time.monotonic()
        for client in self._all():
            medias = _session_medias(client)
            connection = self._connections.get(hash(client))
            if connection is None:
                continue
            if medias:
                connection.idle_since = now
            idle = now - connection.idle_since > self._rtsp.idle_timeout_s
            if idle or connection.closing or any(_was_dropped(item) for item in medias):
                self._close(client)

    def _all(self) -> list[Any]:
        clients: list[Any] = self._server.client_filter(None)
        return clients

    def _close(self, client: Any) -> None:
        """Let it end: in the library's own thread, when that sees that there is no more to read.

        Closed from here in the middle of a line, the library would read on from nothing for ever.
        """
        connection = self._connections.get(hash(client))
        if connection is None or connection.socket.is_closed():
            return
        if connection.closing:
            # The other end talks on and on. Called again each second.
            _reset(connection.socket.get_fd())
            return
        connection.closing = True
        for session in client.session_filter(None):
            # What goes over UDP would go on until the session times out.
            self._server.get_session_pool().remove(session)
        with contextlib.suppress(GLib.Error):
            connection.socket.shutdown(True, True)

    def _on_client(self, _: Any, client: Any) -> None:
        """A connection was accepted: see that it cannot hold what it does not use."""
        connection = client.get_connection()
        # So that a GET or POST is not taken for the half of a tunnel through HTTP: half a tunnel
        # that breaks off sends the library into an endless loop.
        connection.set_http_mode(True)
        self._connections[hash(client)] = _Connection(
            connection.get_write_socket(), time.monotonic()
        )
        client.connect("closed", self._on_closed)
        client.set_property("drop-backlog", True)
        # When its session times out the connection goes as well.
        client.set_property("post-session-timeout", 0)
        client.connect("new-session", self._on_session)
        self._limit_unread(client)

    def _on_closed(self, client: Any) -> None:
        # The last reference to the socket, with which it is closed, may be this one.
        self._connections.pop(hash(client), None)

    def _on_session(self, _: Any, session: Any) -> None:
        session.set_timeout(self._rtsp.session_timeout_s)

    def _limit_unread(self, client: Any) -> None:
        """Let the kernel end a connection whose other end takes nothing for too long."""
        connection = self._connections.get(hash(client))
        if connection is None or connection.socket.is_closed():
            return
        milliseconds = round(self._rtsp.unread_timeout_s * 1000)
        with socket.socket(fileno=socket.dup(connection.socket.get_fd())) as handle:
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _reset(descriptor: int) -> None:
    """Break a TCP connection off, whatever either end is in the middle of."""
    unspecified = bytes(16)  # a struct sockaddr of AF_UNSPEC: no address, thus no connection
    _libc.connect(descriptor, unspecified, len(unspecified))


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
