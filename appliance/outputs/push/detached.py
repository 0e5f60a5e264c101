"""Making something that may hang while it is made, and may be given up meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Detached(Generic[T]):
    """``make()`` in a thread of its own, which is left to itself when it takes too long."""

    def __init__(self, make: Callable[[], T], discard: Callable[[T], None], name: str) -> None:
        """Begin. ``discard`` ends what is made after it was given up, in that thread."""
        self._make, self._discard = make, discard
        self._made: T | None = None
        self._error: BaseException | None = None
        self._given_up = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread is still at it."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Whether it is done, ``seconds`` from now at the latest."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T:
        """What was made, once it is done. Raises what ``make`` did."""
        if self._error is not None:
            raise self._error
        assert self._made is not None
        return self._made

    def give_up(self) -> None:
        """Have what is made, now or later, ended."""
        with self._lock:
            self._given_up = True
            made, self._made = self._made, None
        if made is not None:
            self._discard(made)

    def _run(self) -> None:
        try:
            made = self._make()
        except BaseException as error:  # noqa: BLE001  raised again by ``result``
            self._error = error
            return
        with self._lock:
            if not self._given_up:
                self._made = made
                return
        self._discard(made)
