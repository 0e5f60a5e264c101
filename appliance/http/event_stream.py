"""Events as they are played: server-sent events (HTML, 9.2), one stream a reader."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from dataclasses import asdict
from typing import Any

from starlette.types import Receive, Scope, Send

from appliance.playout.events import Event, EventLog
from appliance.system.redact import redact

MEDIA_TYPE = "text/event-stream"
MOST = 64
"""Readers at once, of all sessions together."""
# Comments keep proxies from closing a stream in which nothing happens.
_KEEP_ALIVE_S = 10.0


class EventStream:
    """Answers with the events after a number, as they come, until the reader or the log ends."""

    def __init__(self, log: EventLog, after: int, places: threading.BoundedSemaphore) -> None:
        """``places``: one has been taken for this reader, and is given back at its end."""
        self._log, self._after, self._places = log, after, places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            # The loop is closed when the server has ended: then nobody reads.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(news.set)

        self._log.listen(wake)
        gone = asyncio.ensure_future(_gone(receive))
        try:
            headers = [(b"content-type", MEDIA_TYPE.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _send(send, b": events as they are played\n\n")
            while not gone.done():
                news.clear()
                closed = self._log.closed
                for event in self._log.after(self._after):
                    self._after = event.number
                    await _send(send, as_text(event))
                if closed:
                    break
                if not await _within(news, gone):
                    await _send(send, b":\n\n")
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


async def _within(news: asyncio.Event, gone: asyncio.Future[None]) -> bool:
    """Whether something happened before it was time for a comment."""
    waiting = asyncio.ensure_future(news.wait())
    either: set[asyncio.Future[Any]] = {waiting, gone}
    try:
        done, _ = await asyncio.wait(
            either, timeout=_KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        waiting.cancel()
    return bool(done)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
