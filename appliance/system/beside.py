"""Something done in a thread of its own while the caller does something else, and waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class Beside(Generic[R]):
    """A call that runs beside the caller. ``result`` waits for it, and raises what it raised.

    The call must end by itself: nothing can end it from outside.
    """

    def __init__(self, call: Callable[[], R], name: str) -> None:
        """Begin; ``name`` is the thread's."""
        self._call = call
        self._results: list[R] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised where it is asked for
            self._error = error

    def result(self) -> R:
        """What the call returned."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._results[0]
