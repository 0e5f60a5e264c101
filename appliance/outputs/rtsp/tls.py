"""TLS in front of an RTSP server: what comes in encrypted is handed on in the clear, within here.

By Python's own TLS and in one thread of its own. gst-rtsp-server's keeps a descriptor for each
handshake that was not finished, and broke the heap when many broke off at once (docs/decisions.md).
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

log = structlog.get_logger(__name__)

HANDSHAKE_S = 10.0
FLUSH_S = 1.0
STOP_S = 3.0
PAUSE_S = 1.0
# Little, for what waits in here is a picture that gets old.
WAITING_BYTES = 64 << 10
PAIR_BYTES = 128 << 10

Handover = Callable[[socket.socket, str, int], None]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TlsFront:
    """Listens at an address; gives each connection whose handshake is done to ``handover``.

    Attributes:
        context: the certificate that new connections are shown; may be replaced at any time.
        unread_s: another end that takes nothing for so many seconds is put out.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        handover: Handover,
        admit: Callable[[int], bool],
        unread_s: float,
    ) -> None:
        """Start to accept on ``listening``, which is taken over.

        ``handover`` gets a socket with the clear text, and address and port of the other end;
        ``admit`` is asked, with the number of connections there are, whether to take one more.
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
        with contextlib.suppress(RuntimeError):  # it has ended by itself
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
                    # Out of descriptors, most likely: it would be so again at once.
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
                    raw.shutdown(socket.SHUT_RDWR)  # no farewell is waited for
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, raw: socket.socket, address: str, port: int) -> None:
        """One connection, from its handshake to its end."""
        raw.setblocking(False)
        try:
            outer = await _streams(raw, ssl=self.context, ssl_handshake_timeout=HANDSHAKE_S)
        except (OSError, EOFError) as error:
            # Nothing that an operator could do about, and anybody can cause it.
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
            self._handover(theirs, address, port)
            await self._relay(outer, inner)
        finally:
            await _end(inner[1])
            await _end(outer[1])

    async def _relay(self, outer: Streams, inner: Streams) -> None:
        """Both ways, until either end goes."""
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
    """Close it; what was said last should still arrive, if the other end takes it soon."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), FLUSH_S)
    except asyncio.TimeoutError:
        writer.transport.abort()
    except OSError as error:
        log.debug("rtsps: closed roughly", reason=str(error))


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection within this machine, as the library wants it: of TCP."""
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
