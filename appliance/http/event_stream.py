"""Events as they are played: server-sent events (HTML, 9.2), one stream a reader."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from dataclasses import asdict
from typing import Any

from starlette.types import Receive, Scope, Send

from appliance.http.connection import SENT_ALL
from appliance.http.gone import until_gone
from appliance.playout.events import Event, EventLog
from appliance.system.redact import redact

MEDIA_TYPE = "text/event-stream"
MOST = 64
"""Readers at once, of all sessions together; and at most half of the server's connections."""
_LOOK_S = 0.5
# Comments keep proxies from closing a stream in which nothing happens.
_KEEP_ALIVE_S = 10.0


class EventStream:
    """Answers with the events after a number, as they come, until reader, log or server ends.

    A reader who closes the sending half of the connection has gone: while nothing is sent to it,
    no more is seen of that. One so slow that events were forgotten meanwhile sees it by a gap in
    their numbers.
    """

    def __init__(
        self, log: EventLog, after: int, places: threading.Semaphore, ending: threading.Event
    ) -> None:
        """Get ready.

        Args:
            after: the last event that the reader has. One that is yet to come is of another log:
                its source was opened anew, and it has none of these.
            places: one has been taken for this reader, and is given back at its end.
            ending: set when the server is to stop.
        """
        self._log, self._places, self._ending = log, places, ending
        self._after = after if after <= log.last else 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            # The loop is closed when the server has ended: then nobody reads.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(news.set)

        self._log.listen(wake)
        gone = until_gone(receive)
        try:
            # Proxies such as nginx would hold events back until they fill a buffer.
            headers = [(b"content-type", MEDIA_TYPE.encode()), (b"x-accel-buffering", b"no")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _send(send, b": events as they are played\n\n")
            sent_all = scope.get("extensions", {}).get(SENT_ALL, lambda: False)
            quiet_since = loop.time()
            while not (gone.done() or sent_all()) and not self._ending.is_set():
                news.clear()
                closed = self._log.closed
                for event in self._log.after(self._after):
                    self._after = event.number
                    await _send(send, as_text(event))
                    quiet_since = loop.time()
                if closed:
                    break
                await _within(news, gone)
                if loop.time() - quiet_since > _KEEP_ALIVE_S:
                    await _send(send, b":\n\n")
                    quiet_since = loop.time()
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._log.leave(wake)
            self._places.release()


def as_text(event: Event) -> bytes:
    """An event on the wire; its id is what a reader who comes back sends as Last-Event-ID."""
    data = asdict(event)
    reason = data["data"].get("reason")
    if isinstance(reason, str):
        data["data"]["reason"] = redact(reason)
    return f"id: {event.number}\nevent: {event.kind}\ndata: {json.dumps(data)}\n\n".encode()


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _within(news: asyncio.Event, gone: asyncio.Future[None]) -> None:
    """Wait for something to happen, but not so long that a server which is to stop waits for it."""
    waiting = asyncio.ensure_future(news.wait())
    either: set[asyncio.Future[Any]] = {waiting, gone}
    try:
        await asyncio.wait(either, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
