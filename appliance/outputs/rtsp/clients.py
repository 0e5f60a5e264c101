"""The connections of one RTSP server: how many, how long, and which of them reads what."""

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
from appliance.media.gst import GLib, Gst
from appliance.outputs.rtsp import setups
from appliance.outputs.rtsp.held import held

MOST_WAITING = 256

_libc = ctypes.CDLL(None, use_errno=True)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Connection:
    """What is known of a connection: its socket, and since when it has had no stream set up.

    The library's own object forgets its socket once closed, and complains on stderr when asked.
    """

    socket: Any
    idle_since: float
    closing: bool = False


class Clients:
    """Looks after the connections that gst-rtsp-server has accepted."""

    def __init__(self, server: Any, rtsp: RtspSettings, name: str) -> None:
        """``server`` is the library's object; ``name`` identifies it in the log."""
        self._server, self._rtsp, self._name = server, rtsp, name
        self._connections: dict[int, _Connection] = {}
        self._full = False
        # Held while a descriptor is used or closed: closed, its number may be another's.
        self._descriptors = threading.Lock()
        server.connect("client-connected", self._on_client)
        server.get_session_pool().connect("session-removed", self._on_session_removed)

    def configure(self, rtsp: RtspSettings) -> None:
        """Set other limits, for new and present connections; this alone closes none."""
        self._rtsp = rtsp
        for client in self._all():
            self._limit_unread(client)
            for session in client.session_filter(None):
                session.set_timeout(rtsp.session_timeout_s)

    def count(self) -> int:
        """Number of open connections, whatever they do."""
        return len(self._connections)

    def admit(self, count: int | None = None) -> bool:
        """Whether to accept one more on top of ``count``; logs once when not."""
        full = (self.count() if count is None else count) >= self._rtsp.max_clients
        # Those just gone have a descriptor each until the library lets go of them.
        full = full or held.waiting() >= MOST_WAITING
        if full and not self._full:
            log.warning(
                "rtsp: too many connections; further ones are closed",
                uri=self._name, max_clients=self._rtsp.max_clients,
            )  # fmt: skip
        self._full = full
        return not full

    def close_all(self) -> int:
        """Close every connection; returns how many there were."""
        clients = self._all()
        for client in clients:
            self._close(client)
        return len(clients)

    def end(self, seconds: float) -> bool:
        """Close every connection and wait for that; False if some remain after ``seconds``."""
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
        """Whether any session is on ``media``, playing or not yet."""
        return any(
            item.get_media() == media for client in self._all() for item in _session_medias(client)
        )

    def reader_sockets(self, media: Any) -> list[int | None]:
        """For each reader playing ``media``: its TCP socket's descriptor, or None over UDP."""
        sockets: list[int | None] = []
        for client in self._all():
            for item in _session_medias(client):
                connection = self._connections.get(hash(client))
                if connection and item.get_media() == media and _is_playing(item):
                    descriptor = connection.socket.get_fd() if _is_tcp(item) else None
                    if descriptor != -1:  # not closed meanwhile
                        sockets.append(descriptor)
        return sockets

    def look(self) -> None:
        """Call every second: closes connections that do nothing or have lost their stream."""
        held.look()
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
        """End it in the library's own thread, once that finds nothing more to read.

        Were it closed from here in mid-line, the library would go on reading nothing for ever.
        """
        connection = self._connections.get(hash(client))
        if connection is None or connection.socket.is_closed():
            return
        if connection.closing:
            # The other end keeps sending. ``look`` comes here again each second.
            with self._descriptors:
                if not connection.socket.is_closed():
                    _reset(connection.socket.get_fd())
            return
        connection.closing = True
        for item in _session_medias(client):
            # A stream over UDP would go on for as long as the other end has something to say.
            item.set_state(Gst.State.NULL)
        with contextlib.suppress(GLib.Error):
            connection.socket.shutdown(True, True)

    def _on_client(self, _: Any, client: Any) -> None:
        """A connection was accepted: keep it from holding on to what it does not use."""
        connection = client.get_connection()
        # So that a GET or POST is not taken for one half of an HTTP tunnel: half a tunnel that
        # breaks off sends the library into an endless loop.
        connection.set_http_mode(True)
        self._connections[hash(client)] = _Connection(
            connection.get_write_socket(), time.monotonic()
        )
        client.connect("closed", self._on_closed)
        client.set_property("drop-backlog", True)
        # Otherwise whoever removes its session would close it, in the middle of a line.
        client.set_property("post-session-timeout", -1)
        client.connect("new-session", self._on_session)
        client.connect("pre-setup-request", self._on_pre_setup)
        client.connect("setup-request", held.add)
        self._limit_unread(client)

    def _on_closed(self, client: Any) -> None:
        connection = self._connections.pop(hash(client), None)
        if connection is not None:
            # The library does that only with its last reference to the connection.
            with contextlib.suppress(GLib.Error), self._descriptors:
                connection.socket.close()
        for session in held.close(client):
            self._server.get_session_pool().remove(session)

    def _on_session_removed(self, _: Any, session: Any) -> None:
        """A session was torn down or timed out: the connection ends with its last one."""
        client = held.owner(session)
        if client is not None and all(other == session for other in client.session_filter(None)):
            for item in session.filter(None):
                item.set_state(Gst.State.NULL)
            self._close(client)

    def _on_pre_setup(self, client: Any, context: Any) -> Any:
        status = setups.judge(client, context)
        connection = self._connections.get(hash(client))
        if status != setups.OK and context.session is not None and connection is not None:
            # The library loses a reference to the session here; this is not to be had in numbers.
            connection.closing = True
            with contextlib.suppress(GLib.Error):
                connection.socket.shutdown(True, False)
        return status

    def _on_session(self, _: Any, session: Any) -> None:
        session.set_timeout(self._rtsp.session_timeout_s)

    def _limit_unread(self, client: Any) -> None:
        """Have the kernel end a connection whose other end accepts nothing for too long."""
        connection = self._connections.get(hash(client))
        if connection is None:
            return
        milliseconds = round(self._rtsp.unread_timeout_s * 1000)
        with self._descriptors:
            if connection.socket.is_closed():
                return
            descriptor = socket.dup(connection.socket.get_fd())
        with socket.socket(fileno=descriptor) as handle:
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _reset(descriptor: int) -> None:
    """Abort a TCP connection, whatever either end is doing."""
    unspecified = bytes(16)  # a struct sockaddr of AF_UNSPEC: no address, so no connection
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
    """True when a playing client has lost its transport by reading too slowly for ten seconds."""
    if not _is_playing(media) or not media.get_media().n_streams():
        return False
    return media.get_transport(0) not in media.get_media().get_stream(0).transport_filter(None)
