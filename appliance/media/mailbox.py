"""The latest-frame mailbox between two threads: one slot, newest wins, nothing queues."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """The mailbox was closed: no more items will come or be taken."""


class Mailbox(Generic[T]):
    """One slot. A put replaces an item not yet taken and counts it as dropped.

    With ``lossless=True`` a put waits for the slot to become free (for files read as fast as
    possible, where dropping would be wrong); it still has a deadline.

    Attributes:
        dropped: items that a newer one replaced. passed_by: those put while there was no use for
            them. put_count: all that were put.
    """

    def __init__(self, *, lossless: bool = False, idle: Callable[[], bool] = lambda: False) -> None:
        """``idle``: says, at each put, that the reader has no use for an item: it is not woken."""
        self.lossless = lossless
        self._idle = idle
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0
        self.passed_by = 0
        self.put_count = 0

    def put(self, item: T, timeout: float = 5.0) -> bool:
        """Leave ``item`` for the reader.

        Returns False when a lossless mailbox stayed full for ``timeout`` seconds (the item is not
        in it). Raises Closed after ``close()``.
        """
        idle = self._idle()
        with self._condition:
            if idle and not self._closed:
                self.passed_by += 1
                self.put_count += 1
                return True
            if self.lossless and not self._condition.wait_for(
                lambda: self._item is None or self._closed, timeout
            ):
                return False
            if self._closed:
                raise Closed
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self.put_count += 1
            self._condition.notify_all()
            return True

    def get(self, timeout: float) -> T | None:
        """Take the newest item, or None after ``timeout`` seconds. Raises Closed when closed."""
        deadline = time.monotonic() + timeout
        with self._condition:
            while self._item is None:
                if self._closed:
                    raise Closed
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._condition.wait(left)
            item, self._item = self._item, None
            self._condition.notify_all()
            return item

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take."""
        with self._condition:
            return self._item is None

    def close(self) -> None:
        """Wake every waiter; an item still in the slot can be taken, then Closed is raised."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
