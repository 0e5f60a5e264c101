"""A thread with an event loop of its own, so that neither requests nor frames wait for viewers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as Late
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class LoopThread:
    """Runs from construction to ``stop``.

    Attributes:
        faults: exceptions in it that nobody was waiting for.
    """

    def __init__(self, name: str) -> None:
        self.faults = 0
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._on_fault)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run ``work`` in the loop; returns or raises what it does.

        Raises TimeoutError after ``timeout`` seconds, having cancelled it. Not in the loop.
        """
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result(timeout)
        except (Late, asyncio.TimeoutError):
            # Names of their own before Python 3.11.
            raise TimeoutError(f"not done within {timeout:g} s") from None
        finally:
            future.cancel()

    def stop(self, timeout: float) -> bool:
        """End it; False if it has not ended within ``timeout`` seconds, and is left behind."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _on_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.faults += 1
        error = context.get("exception")
        log.error("a fault beside the viewers", what=context["message"], why=repr(error),
                  exc_info=error)  # fmt: skip

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
        finally:
            self.loop.close()
