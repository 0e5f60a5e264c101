"""Connections that have said nothing yet: kept apart until their first bytes say what they are.

gst-rtsp-server reads the HTTP requests with which players try RTSP over HTTP, and never answers
them. Here they are answered at once, so that a player goes on to what there is.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import structlog

from appliance.media.gst import GLib
from appliance.system.guesses import network

log = structlog.get_logger(__name__)

_WORDS = b"There is no RTSP over HTTP here; use RTSP over TCP or UDP.\n"
NO_HTTP = (
    b"HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_WORDS), _WORDS)
)


def is_http(head: bytes) -> bool:
    """Whether a connection's first line, as far as it is here, is that of an HTTP request."""
    line = head.partition(b"\r\n")[0]
    return line.startswith((b"GET ", b"POST ", b"HEAD ")) and b" RTSP/" not in line


class Waiting:
    """Holds accepted sockets until something can be read from them; in the server's thread."""

    def __init__(self, watch: Callable[[Any, Callable[..., bool]], Any], hand_on: Any) -> None:
        """``watch`` attaches a source to the server's loop; ``hand_on`` takes what is RTSP."""
        self._watch, self._hand_on = watch, hand_on
        self._sources: dict[Any, tuple[Any, float, str]] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def add(self, handle: Any, address: str) -> None:
        """Wait for the first bytes of ``handle``, a Gio.Socket."""
        source = GLib.unix_fd_source_new(
            handle.get_fd(), GLib.IOCondition.IN | GLib.IOCondition.HUP | GLib.IOCondition.ERR
        )
        self._sources[handle] = (source, time.monotonic(), network(address))
        self._watch(source, lambda *_: self._on_bytes(handle))

    def look(self, longest_s: float) -> None:
        """Call every second: closes those that have said nothing for too long."""
        now = time.monotonic()
        for handle, (_, since, _network) in list(self._sources.items()):
            if now - since > longest_s:
                self._drop(handle)

    def make_room(self) -> bool:
        """Close the oldest of the network that has most of them; False if there is none."""
        by_network: dict[str, list[Any]] = {}
        for handle, (_, _since, name) in self._sources.items():
            by_network.setdefault(name, []).append(handle)
        if not by_network:
            return False
        self._drop(max(by_network.values(), key=len)[0])
        return True

    def close(self) -> None:
        """Close all of them."""
        for handle in list(self._sources):
            self._drop(handle)

    def _on_bytes(self, handle: Any) -> bool:
        if handle not in self._sources:
            return False  # ``close`` came first, in another thread
        head = _peek(handle.get_fd())
        if is_http(head):
            _answer(handle.get_fd(), NO_HTTP)
            self._drop(handle)
        elif head and self._sources.pop(handle, None) is not None:
            self._hand_on(handle)
        else:
            self._drop(handle)
        return False

    def _drop(self, handle: Any) -> None:
        held = self._sources.pop(handle, None)
        if held is not None:
            held[0].destroy()
        handle.close()


def _peek(descriptor: int) -> bytes:
    with socket.socket(fileno=socket.dup(descriptor)) as peer:
        try:
            return peer.recv(512, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return b""


def _answer(descriptor: int, answer: bytes) -> None:
    """Send an answer that fits into any buffer, and no more; read what was asked, or it is lost."""
    with socket.socket(fileno=socket.dup(descriptor)) as peer:
        try:
            peer.recv(65536, socket.MSG_DONTWAIT)
            peer.send(answer, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            peer.shutdown(socket.SHUT_WR)
        except OSError as error:
            log.debug("rtsp: an HTTP request cannot be answered", reason=str(error))
