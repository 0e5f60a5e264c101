"""Work that may take long, done off the server's loop, with a deadline and a limit.

Uses daemon threads: Python waits for the threads of its executors when the program ends, however
long a dead file system keeps them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MOST = 6
"""Threads at once; one that hangs still counts."""


class Busy(Exception):
    """Too many threads are busy already."""


class Aside:
    """Runs functions in threads for one event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._free = threading.BoundedSemaphore(most)

    async def do(self, work: Callable[[], T], timeout: float) -> T:
        """Run ``work``; returns or raises what it does.

        Raises Busy when too many threads are busy, asyncio.TimeoutError after ``timeout`` seconds:
        ``work`` then goes on, and its result is lost.
        """
        if not self._free.acquire(blocking=False):
            raise Busy
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def deliver(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as caught:  # noqa: BLE001  handed on to whoever waits
                error = caught
            finally:
                self._free.release()
            # The loop may be closed by now; then nobody is waiting.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, result, error)

        try:
            threading.Thread(target=run, name="http aside", daemon=True).start()
        except RuntimeError as error:  # no more threads available
            self._free.release()
            raise Busy from error
        return await asyncio.wait_for(future, timeout)
