"""Work that may take long, done aside from the server's loop, with a deadline and a bound.

In daemon threads: those of the usual executors are waited for when the program ends, however long
a dead file system keeps them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MOST = 6
"""Threads at once; one that hangs goes on counting."""


class Busy(Exception):
    """Too much is being done aside already."""


class Aside:
    """Runs functions in threads, for one event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._free = threading.BoundedSemaphore(most)

    async def do(self, work: Callable[[], T], timeout: float) -> T:
        """What ``work`` returns or raises.

        Raises Busy when too many are at it, asyncio.TimeoutError after ``timeout`` seconds: it
        goes on then, unheard.
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
            except BaseException as caught:  # noqa: BLE001  handed on to who waits
                error = caught
            finally:
                self._free.release()
            # The loop may be closed by now: then nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, result, error)

        try:
            threading.Thread(target=run, name="http aside", daemon=True).start()
        except RuntimeError as error:  # no more threads to be had
            self._free.release()
            raise Busy from error
        return await asyncio.wait_for(future, timeout)
