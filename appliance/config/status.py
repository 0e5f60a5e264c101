"""The state of the configuration: what was applied last, what is refused now, and why.

One small object that ``daemon.changes`` writes and everybody else reads: the service's status line,
the health page, the metrics. A reader sees one moment as a whole, never parts of two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.config.tree import Mistake


@dataclass(frozen=True, slots=True)
class Refusal:
    """A configuration that was not applied; the last good one stays in use.

    Attributes:
        since: when it was refused, Unix time in seconds.
        mistakes: what is wrong, at least one: ``origin`` (file, line and column from 1; line 0
            where there is none), ``key`` (dotted; "" for the whole file) and ``message``, which
            also says what to do.
    """

    since: float
    mistakes: tuple[Mistake, ...]

    @property
    def reason(self) -> str:
        """All of it in words, one line for each mistake."""
        return "\n".join(map(str, self.mistakes))


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """The configuration at one moment.

    Attributes:
        path: the file; None where everything comes from defaults, environment and flags.
        applied_at: when the settings in use were applied, Unix time in seconds.
        applied: how many times settings were applied, the start included.
        refused: how many times they were refused.
        refusal: what is wrong with the file as it is now; None while it is in use.
        busy: whether a change is being made right now.
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
        """Start with the settings of ``path`` as just applied."""
        self._clock = clock
        self._lock = threading.Lock()
        self._status = ConfigStatus(path, clock())

    def status(self) -> ConfigStatus:
        """The present state, which is immutable."""
        return self._status

    def begin(self) -> None:
        """Note that a change is being made."""
        with self._lock:
            self._status = replace(self._status, busy=True)

    def applied(self, *, changed: bool, from_file: bool = True) -> None:
        """Note that it was made; ``changed``: it made a difference; ``from_file``: by the file."""
        with self._lock:
            now = replace(self._status, busy=False)
            if from_file:
                now = replace(now, refusal=None)
            if changed:
                now = replace(now, applied=now.applied + 1, applied_at=self._clock())
            self._status = now

    def refuse(self, mistakes: tuple[Mistake, ...], *, from_file: bool = True) -> Refusal:
        """Note that it was refused, changing nothing; a bad file stays refused until a good one."""
        with self._lock:
            refusal = Refusal(self._clock(), mistakes)
            now = replace(self._status, busy=False, refused=self._status.refused + 1)
            self._status = replace(now, refusal=refusal) if from_file else now
            return refusal
