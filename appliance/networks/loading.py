"""A network loaded beside the frame's path: frames go on without it until it is there."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from appliance.errors import ModelError

T = TypeVar("T")

FILES_WAIT_S = 8.0
"""For so long a file that is converted waits for a network: all of it is to have it."""

# The end as a whole has five seconds.
_ENDS_WITHIN_S = 3.0


class Loading(Generic[T]):
    """Loads something in a thread of its own, which ends with it. Nobody has to wait for it."""

    def __init__(self, load: Callable[[], T], name: str) -> None:
        """Begin at once. ``name``: of what is loaded, for the thread and for messages."""
        self._load, self._name = load, name
        self._made: T | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"load {name}", daemon=True)
        # Ended by the interpreter in the middle of ONNX Runtime, it would abort the process.
        atexit.register(self.wait, _ENDS_WITHIN_S)
        self._thread.start()

    def get(self) -> T | None:
        """What was loaded; None until it is there. Raises ModelError if it cannot be loaded."""
        if self._error is not None:
            raise ModelError(str(self._error)) from self._error
        return self._made

    def wait(self, seconds: float) -> None:
        """Return when it is there, or cannot be loaded, or after so long."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._made = self._load()
        except Exception as error:  # noqa: BLE001 - ``get`` raises it, in the thread that asks
            self._error = error
        finally:
            atexit.unregister(self.wait)
