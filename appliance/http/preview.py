"""The live preview: JPEGs of what goes out, made once for all viewers, and only if any watch."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late

import structlog
from starlette.types import Receive, Scope, Send

from appliance.daemon.tap import Tap, TappedFrame
from appliance.http.gone import until_gone
from appliance.http.pictures import Show, encode, picture_of

BOUNDARY = "mattebox-frame"
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_WAIT_S = 0.5

log = structlog.get_logger(__name__)


class Preview:
    """Pictures for the viewers of one server. Use in the server's loop only, except ``close``."""

    def __init__(
        self,
        tap: Tap,
        fps: int,
        width: int,
        most: int,
        strained: Callable[[], bool] = lambda: False,
    ) -> None:
        """At most ``fps`` frames per second, ``width`` pixels wide, for up to ``most`` viewers.

        A third of the rate while the machine is ``strained``: the outgoing picture comes first.
        """
        self._tap, self._period, self._width, self._most = tap, 1 / fps, width, most
        self._strained = strained
        self._shows: Counter[Show] = Counter()
        self._pictures: dict[Show, bytes] = {}
        self._serial = 0
        self._news: asyncio.Event | None = None
        self._maker: threading.Thread | None = None
        self.closed = threading.Event()

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return self._shows.total()

    @property
    def full(self) -> bool:
        """Whether there is no room for another viewer."""
        return self.viewers >= self._most

    def close(self) -> None:
        """End every stream soon; callable from any thread."""
        self.closed.set()

    async def next(self, show: Show, after: int) -> tuple[int, bytes] | None:
        """The newest picture later than ``after``; None if none comes for half a second."""
        if self._serial <= after or show not in self._pictures:
            if self._news is None:
                self._news = asyncio.Event()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), _WAIT_S)
        if self._serial <= after or show not in self._pictures:
            self._have_made()
            return None
        return self._serial, self._pictures[show]

    def enter(self, show: Show) -> None:
        """Count one more viewer, who must ``leave`` in the end."""
        self._shows[show] += 1
        self._have_made()

    def _have_made(self) -> None:
        if self._maker is None or not self._maker.is_alive():
            loop = asyncio.get_running_loop()
            self._maker = threading.Thread(
                target=self._make, args=(loop,), name="preview", daemon=True
            )
            self._maker.start()

    def leave(self, show: Show) -> None:
        """Count one viewer fewer."""
        self._shows[show] -= 1
        if not self.viewers:
            self._pictures = {}

    def _make(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs in a thread: make pictures while there are viewers."""
        after = self._tap.serial
        try:
            while not self.closed.is_set():
                if not self.viewers:
                    if self._may_end(loop):
                        return
                    continue
                self._tap.ask(self._period * (3 if self._strained() else 1))
                look = self._tap.next(after, _WAIT_S)
                if look is not None:
                    after = look.serial
                    pictures = self._encode(look)
                    # Returns the canvas before waiting for the next frame.
                    del look
                    loop.call_soon_threadsafe(self._publish, pictures)
        except Exception:
            # A closed loop means that the server has ended, not that there is a bug.
            if not loop.is_closed():
                log.exception("the preview's thread died; the next picture starts another")

    def _may_end(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether to end. Decided in the loop, where viewers come and go, so none is missed."""
        answer: Future[bool] = Future()

        def decide() -> None:
            if not self.viewers:
                self._maker = None
            answer.set_result(not self.viewers)

        loop.call_soon_threadsafe(decide)
        try:
            return answer.result(_WAIT_S)
        except Late:
            return False

    def _encode(self, look: TappedFrame) -> dict[Show, bytes]:
        wanted = [show for show, count in list(self._shows.items()) if count > 0]
        return {show: encode(picture_of(look, show, self._width), "jpeg") for show in wanted}

    def _publish(self, pictures: dict[Show, bytes]) -> None:
        self._serial += 1
        self._pictures = pictures
        if self._news is not None:
            self._news.set()
            self._news = None


class Stream:
    """Answers with one JPEG after another (multipart/x-mixed-replace); a slow viewer skips some.

    Each part has a Content-Length, so that a script can split them.
    """

    def __init__(self, preview: Preview, show: Show) -> None:
        self._preview, self._show = preview, show

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        self._preview.enter(self._show)
        gone = until_gone(receive)
        try:
            headers = [(b"content-type", MEDIA_TYPE.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            serial = 0
            while not gone.done() and not self._preview.closed.is_set():
                found = await self._preview.next(self._show, serial)
                if found is None:
                    continue
                serial, jpeg = found
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                part = b"".join((head.encode(), b"\r\n\r\n", jpeg, b"\r\n"))
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": f"--{BOUNDARY}--\r\n".encode()})
        finally:
            gone.cancel()
            self._preview.leave(self._show)
