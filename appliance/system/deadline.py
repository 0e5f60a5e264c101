"""A call into a library that has no deadline of its own, given one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class Late(TimeoutError):
    """The call has not returned in time; it goes on in a thread that is left behind."""


class _Call(Generic[R]):
    def __init__(self, call: Callable[[], R], undo: Callable[[R], object] | None) -> None:
        self._call, self._undo = call, undo
        self._lock, self.done = threading.Lock(), threading.Event()
        self._given_up = False
        self.result: list[R] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            result = self._call()
        except BaseException as error:  # noqa: BLE001  raised where the result is waited for
            self.error = error
        else:
            with self._lock:
                late = self._given_up
                if not late:
                    self.result.append(result)
            if late and self._undo is not None:
                self._undo(result)
        self.done.set()

    def give_up(self) -> bool:
        """False when it has just returned after all."""
        with self._lock:
            self._given_up = not (self.result or self.error)
            return self._given_up


def within(
    seconds: float, call: Callable[[], R], *, name: str, undo: Callable[[R], object] | None = None
) -> R:
    """What ``call()`` returns, or raises, within ``seconds``.

    It runs in a thread of its own called ``name``. Raises Late at the deadline; ``undo`` then gets
    what the call returns in the end, to let go of it.
    """
    waiting = _Call(call, undo)
    threading.Thread(target=waiting.run, name=name, daemon=True).start()
    if not waiting.done.wait(seconds) and waiting.give_up():
        raise Late(f"{name} took longer than {seconds:g} s")
    if waiting.error is not None:
        raise waiting.error
    return waiting.result[0]
