"""One TCP connection: deadlines that uvicorn does not have, and a limit on their number."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEADERS_S = 10.0
"""Time allowed from the connection, or the last answer, to the end of a request's headers."""

MOST_HEADER_BYTES = 16_384
_SEND_BUFFER = 131_072

# The extension in its scope with which the application cuts the connection, answered or not.
ABORT = "mattebox.abort"


def protocol(most: int, headers_s: float) -> type[asyncio.Protocol]:
    """The connection class for a server that accepts ``most`` at once.

    A client that has not sent a request's headers within ``headers_s`` seconds is cut off, be it
    slow, silent, or still sending the body of a request answered long ago. A connection beyond the
    limit is cut off at once, so that the others can go on.
    """

    class Connection(H11Protocol):
        """See ``protocol``."""

        _timer: asyncio.TimerHandle | None = None
        _ended = False

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.app = _with_abort(self.app, transport.abort)
            super().connection_made(transport)
            # Kept small: what waits in the buffer is old on arrival, and costs memory per viewer.
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER
            )
            if len(self.connections) > most:
                transport.abort()
            else:
                self._expect_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._headers_are_here()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # None before the first request, despite its annotation.
            cycle: RequestResponseCycle | None = self.cycle
            if cycle is not None and not cycle.response_complete:
                self._headers_are_here()

        def eof_received(self) -> bool:  # type: ignore[override]
            """The client sends no more; a request already complete still gets its answer."""
            self._ended = True
            cycle: RequestResponseCycle | None = self.cycle
            return cycle is not None and not cycle.more_body and not cycle.response_complete

        def on_response_complete(self) -> None:
            self._expect_headers()
            super().on_response_complete()
            if self._ended and self.cycle.response_complete:
                self.transport.close()

        def _expect_headers(self) -> None:
            self._headers_are_here()
            self._timer = self.loop.call_later(headers_s, self.transport.abort)

        def _headers_are_here(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Connection


def _with_abort(app: ASGIApp, abort: Callable[[], None]) -> Callable[..., Awaitable[None]]:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        extensions: dict[str, Any] = scope.setdefault("extensions", {})
        extensions[ABORT] = abort
        await app(scope, receive, send)

    return call
