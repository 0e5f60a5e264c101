"""TLS in front of an RTSP server: decrypts connections and hands them on within this process.

Uses Python's own TLS, in one thread of its own. gst-rtsp-server's TLS leaks a descriptor for each
unfinished handshake, and corrupted the heap when many broke off at once (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import structlog

from appliance.errors import OutputError
from appliance.outputs.rtsp.waiting import NO_HTTP, is_http

log = structlog.get_logger(__name__)

HANDSHAKE_S = 10.0
FLUSH_S = 1.0
STOP_S = 3.0
PAUSE_S = 1.0
# Small, because what waits in here is video getting old.
WAITING_BYTES = 64 << 10
PAIR_BYTES = 128 << 10

Handover = Callable[[socket.socket, str, int], None]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TlsFront:
    """Listens at an address; gives each connection to ``handover`` once its handshake is done.

    Attributes:
        context: holds the certificate for new connections; may be replaced at any time.
        unread_s: a client that reads nothing for this many seconds is disconnected.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        handover: Handover,
        admit: Callable[[int], bool],
        unread_s: float,
    ) -> None:
        """Start accepting on ``listening``, taking ownership of it.

        ``handover`` gets a socket with the clear text, and the client's address and port; ``admit``
        is asked, with the current number of connections, whether to take one more.
        """
        self.context, self.unread_s = context, unread_s
        self._listening, self._handover, self._admit = listening, handover, admit
        self._connections: dict[asyncio.Task[None], socket.socket] = {}
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_tell)
        self._port = listening.getsockname()[1]
        self._main = self._loop.create_task(self._accept())
        self._thread = threading.Thread(target=self._run, name=f"rtsps-{self._port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection. Raises OutputError when that takes too long."""
        with contextlib.suppress(RuntimeError):  # already ended by itself
            self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            raise OutputError(f"rtsps on port {self._port}: its thread did not end in {STOP_S} s")

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main)
        self._loop.close()

    async def _accept(self) -> None:
        self._listening.setblocking(False)
        try:
            while True:
                try:
                    raw, address = await self._loop.sock_accept(self._listening)
                except OSError as error:
                    # Most likely out of descriptors: trying again at once would fail, too.
                    log.warning("rtsps: no connection can be accepted", reason=str(error))
                    await asyncio.sleep(PAUSE_S)
                    continue
                if not self._admit(len(self._connections)):
                    raw.close()
                    continue
                task = self._loop.create_task(self._serve(raw, address[0], address[1]))
                self._connections[task] = raw
                task.add_done_callback(self._connections.pop)
        finally:
            self._listening.close()
            tasks = list(self._connections)
            for task, raw in list(self._connections.items()):
                with contextlib.suppress(OSError):
                    raw.shutdown(socket.SHUT_RDWR)  # without waiting for a TLS goodbye
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, raw: socket.socket, address: str, port: int) -> None:
        """One connection, from its handshake to its end."""
        raw.setblocking(False)
        try:
            outer = await _streams(raw, ssl=self.context, ssl_handshake_timeout=HANDSHAKE_S)
        except (OSError, EOFError) as error:
            # Only debug: an operator can do nothing about it, and anybody can cause it.
            log.debug("rtsps: no handshake", address=address, reason=str(error))
            return
        try:
            ours, theirs = _pair()
            inner = await _streams(ours)
        except OSError as error:
            log.warning("rtsps: a connection is closed again", reason=str(error))
            await _end(outer[1])
            return
        try:
            # Read here first: the library reads HTTP requests, and never answers them.
            head = await asyncio.wait_for(outer[0].read(WAITING_BYTES), self.unread_s)
            if not head or is_http(head):
                theirs.close()
                outer[1].write(NO_HTTP if head else b"")
                return
            inner[1].write(head)
            self._handover(theirs, address, port)
            await self._relay(outer, inner)
        except asyncio.TimeoutError:
            theirs.close()
        except OSError as error:
            theirs.close()
            log.debug("rtsps: closed before its first request", reason=str(error))
        finally:
            await _end(inner[1])
            await _end(outer[1])

    async def _relay(self, outer: Streams, inner: Streams) -> None:
        """Relay both ways until either end closes."""
        ways = {
            self._loop.create_task(self._pump(outer[0], inner[1])),
            self._loop.create_task(self._pump(inner[0], outer[1])),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            while data := await reader.read(WAITING_BYTES):
                writer.write(data)
                if writer.transport.get_write_buffer_size() > WAITING_BYTES:
                    await asyncio.wait_for(writer.drain(), self.unread_s)


async def _streams(sock: socket.socket, **tls: Any) -> Streams:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=WAITING_BYTES)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, **tls)
    transport.set_write_buffer_limits(WAITING_BYTES)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _end(writer: asyncio.StreamWriter) -> None:
    """Close it; the last data written should still arrive, if the other end reads it soon."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), FLUSH_S)
    except asyncio.TimeoutError:
        writer.transport.abort()
    except OSError as error:
        log.debug("rtsps: closed roughly", reason=str(error))


def _pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection within this machine, over TCP, as the library requires."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname(), 1.0)
        try:
            server.settimeout(1.0)
            theirs, other = server.accept()
            if other != ours.getsockname():
                theirs.close()
                raise ConnectionError("another program came in between")
        except OSError:
            ours.close()
            raise
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PAIR_BYTES)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PAIR_BYTES)
    theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ours.setblocking(False)
    return ours, theirs


def _tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.debug("rtsps", reason=str(context.get("exception") or context.get("message")))
