"""What GLib and the libraries on it complain of: a line in our log, never a flood of them.

A library that is caught in an endless loop complains in each round of it, on stderr, for ever. Seen
once, of gst-rtsp-server 1.22, when fifty readers that took nothing were cut off. Nothing but a new
process ends such a loop; until then it is slowed down, so that the picture goes on beside it.
"""

from __future__ import annotations

import ctypes
import threading
import time

import structlog

from appliance.errors import ThreadDied

__all__ = ["Complaints"]

# So many of one thread within a second are a loop: a burst that ends by itself is a few tens.
_ENDLESS, _WINDOW_S = 1000, 1.0
_PAUSE_S = 0.1
_SAID_AGAIN_S, _MOST_TEXTS = 60.0, 64
# GLogLevelFlags: error, critical, warning.
_SERIOUS = 4 | 8 | 16

log = structlog.get_logger(__name__)

_lib = ctypes.CDLL("libglib-2.0.so.0")
# GLogFunc, glib/gmessages.h.
_ARGUMENTS = (ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_HANDLER = ctypes.CFUNCTYPE(None, *_ARGUMENTS)
_lib.g_log_set_default_handler.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
_lib.g_log_set_default_handler.restype = ctypes.c_void_p
_lib.g_log_default_handler.argtypes = _ARGUMENTS
_lib.g_log_default_handler.restype = None
# All handlers there were: a thread may be in one of them still.
_kept: list[object] = []


class Complaints:
    """Takes GLib's messages. A process has one handler for them, thus one of these at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}
        self._counts: dict[int, tuple[float, int]] = {}
        self.endless: str | None = None
        """What a thread says over and over that is caught in a loop; None when none is."""
        self._handler = _HANDLER(self._take)
        _kept.append(self._handler)
        self._before: int | None = None

    def take(self) -> None:
        """From now on they come here."""
        handler = ctypes.cast(self._handler, ctypes.c_void_p)
        self._before = _lib.g_log_set_default_handler(handler, None)

    def give_back(self) -> None:
        """They go to whomever they went to before: of a loop that still runs, all of them."""
        _lib.g_log_set_default_handler(self._before, None)

    def check(self) -> None:
        """To be asked now and then. Raises ThreadDied when a library is caught in a loop."""
        if self.endless is not None:
            raise ThreadDied(
                f"a thread is caught in an endless loop of a library ({self.endless}); mattebox "
                "ends, so that the service manager starts it anew"
            )

    def _take(self, domain: bytes | None, level: int, message: bytes | None, _: object) -> None:
        """GLib's handler: in whatever thread complains, once for each complaint."""
        if not level & _SERIOUS:
            _lib.g_log_default_handler(domain, level, message, None)
            return
        text = b": ".join((domain or b"", message or b"")).decode(errors="replace")
        now, thread = time.monotonic(), threading.get_native_id()
        with self._lock:
            endless = self._count(thread, now) >= _ENDLESS
            if endless and self.endless is None:
                self.endless = text
            new = self._is_new(text, now)
        if new:
            log.warning("a library complains", says=text)
        if endless:
            time.sleep(_PAUSE_S)

    def _count(self, thread: int, now: float) -> int:
        """Complaints of a thread in its present window, this one included."""
        since, count = self._counts.get(thread, (now, 0))
        if now - since > _WINDOW_S:
            since, count = now, 0
        # Threads that have ended, or are quiet, are forgotten.
        self._counts = {
            other: seen for other, seen in self._counts.items() if now - seen[0] <= _WINDOW_S
        } | {thread: (since, count + 1)}
        return count + 1

    def _is_new(self, text: str, now: float) -> bool:
        """Whether this was not said lately; it is, from now on."""
        if now - self._said.get(text, -_SAID_AGAIN_S) < _SAID_AGAIN_S:
            return False
        # Taken out first, so that the oldest stands first.
        self._said.pop(text, None)
        self._said[text] = now
        if len(self._said) > _MOST_TEXTS:
            del self._said[next(iter(self._said))]
        return True
