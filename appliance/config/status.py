"""How the configuration stands: what was applied last, and what is refused just now, and why.

One small object that the reloader writes and everybody else reads: the service's status line, the
health page, the metrics. A reader gets a whole picture of one moment, never parts of two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.config.tree import Mistake


@dataclass(frozen=True, slots=True)
class Refusal:
    """A configuration that was not taken over; the last good one stays in use.

    Attributes:
        since: when it was refused, seconds of Unix time.
        mistakes: what is wrong, at least one: ``origin`` (file, line and column from 1; line 0
            where there is none), ``key`` (dotted; "" for the whole file) and ``message``, which
            also says what to do.
    """

    since: float
    mistakes: tuple[Mistake, ...]

    @property
    def reason(self) -> str:
        """All of it as words, a line a mistake."""
        return "\n".join(map(str, self.mistakes))


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """The configuration at one moment.

    Attributes:
        path: the file; None where all is defaults, environment and flags.
        applied_at: when the settings in use were taken over, seconds of Unix time.
        applied: how often settings were taken over; the start is the first time.
        refused: how often some were not.
        refusal: what is wrong with the file as it is now; None while it is in use.
        busy: whether a change is being made just now.
    """

    path: str | None
    applied_at: float
    applied: int = 1
    refused: int = 0
    refusal: Refusal | None = None
    busy: bool = False


class ConfigState:
    """Holds the ``ConfigStatus``; safe to use from every thread, and never waits for a reload."""

    def __init__(self, path: str | None = None, clock: Callable[[], float] = time.time) -> None:
        """The settings of ``path`` have just been taken over: that is the start."""
        self._clock = clock
        self._lock = threading.Lock()
        self._status = ConfigStatus(path, clock())

    def status(self) -> ConfigStatus:
        """The present state; it does not change any more."""
        return self._status

    def begin(self) -> None:
        """A change is being made."""
        with self._lock:
            self._status = replace(self._status, busy=True)

    def applied(self, *, changed: bool, from_file: bool = True) -> None:
        """It was made. ``changed``: it made a difference; ``from_file``: it is the file's."""
        with self._lock:
            now = replace(self._status, busy=False)
            if from_file:
                now = replace(now, refusal=None)
            if changed:
                now = replace(now, applied=now.applied + 1, applied_at=self._clock())
            self._status = now

    def refuse(self, mistakes: tuple[Mistake, ...], *, from_file: bool = True) -> Refusal:
        """It was not made, and nothing has changed; a file stays refused until a good one comes."""
        with self._lock:
            refusal = Refusal(self._clock(), mistakes)
            now = replace(self._status, busy=False, refused=self._status.refused + 1)
            self._status = replace(now, refusal=refusal) if from_file else now
            return refusal
