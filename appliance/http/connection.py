"""One TCP connection: deadlines that uvicorn does not have, and a limit on their number."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from appliance.system.guesses import network as network_of

HEADERS_S = 10.0
"""Time allowed from the connection, or the last answer, to the end of a request's headers."""

MOST_HEADER_BYTES = 16_384
_SEND_BUFFER = 131_072

# The extension in its scope with which the application cuts the connection, answered or not.
ABORT = "mattebox.abort"
# With which the application says that whoever asks was let in.
LET_IN = "mattebox.let_in"
# With which it asks whether the client sends no more: it has gone, or reads on in silence.
SENT_ALL = "mattebox.sent_all"

_numbers = itertools.count()


def protocol(most: int, headers_s: float) -> type[asyncio.Protocol]:
    """The connection class for a server that accepts ``most`` at once.

    A client that has not sent a request's headers within ``headers_s`` seconds is cut off, be it
    slow, silent, or still sending the body of a request answered long ago. For a connection beyond
    the limit another gives way, see ``_make_room``; it is itself cut off if none does.
    """

    class Connection(H11Protocol):
        """See ``protocol``."""

        _timer: asyncio.TimerHandle | None = None
        _ended = False
        network, number = "", 0
        busy = False
        """Whether a request of somebody who was let in is being answered."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.app = _with_extensions(
                self.app,
                {ABORT: transport.abort, LET_IN: self._let_in, SENT_ALL: lambda: self._ended},
            )
            super().connection_made(transport)
            # Kept small: what waits in the buffer is old on arrival, and costs memory per viewer.
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER
            )
            self.number = next(_numbers)
            self.network = network_of(self.client[0] if self.client else "")
            self._expect_headers()
            if len(self.connections) > most:
                _make_room(self, self.connections)

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

        def _let_in(self) -> None:
            self.busy = True

        def on_response_complete(self) -> None:
            self.busy = False
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


def _make_room(new: Any, connections: set[Any]) -> None:
    """Cut off the oldest idle connection of the network that has most of them.

    Idle is all that does not answer somebody who was let in: so neither those who send slowly nor
    those who guess tokens can take every connection, from however many addresses, and nobody loses
    an answer.
    """
    idle: dict[str, list[Any]] = {}
    for connection in sorted(connections, key=lambda one: one.number):
        if not connection.busy:
            idle.setdefault(connection.network, []).append(connection)
    most = max(idle.values(), key=len, default=[new])
    most[0].transport.abort()


def _with_extensions(
    app: ASGIApp, extensions: dict[str, Callable[[], object]]
) -> Callable[..., Awaitable[None]]:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {}).update(extensions)
        await app(scope, receive, send)

    return call
