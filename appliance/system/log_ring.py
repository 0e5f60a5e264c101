"""The log's last lines, kept in memory for those who cannot read the journal."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_LINES = 400
_MOST_WORDS = 600
_MOST_VALUES = 12


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line.

    Attributes:
        number: rises by one with each line of this process.
        at: Unix time. level: "info", "warning", ….
        words: what happened, with its values, as one line of at most 600 characters.
    """

    number: int
    at: float
    level: str
    words: str


class LogRing:
    """The newest lines, at most ``most``; what is put in must be free of secrets already."""

    def __init__(self, most: int = MOST_LINES) -> None:
        self._lines: deque[LogLine] = deque(maxlen=most)
        self._lock = threading.Lock()
        self._count = 0

    def take(self, event: Mapping[str, Any], level: str) -> None:
        """Add a line made of ``event``, its words under "event"; a traceback is left out."""
        values = [
            f"{key}={value}"
            for key, value in event.items()
            if key not in ("event", "exception", "level", "timestamp")
        ]
        words = " ".join([str(event.get("event", "")), *values[:_MOST_VALUES]])
        words = " ".join(words.split())
        if len(words) > _MOST_WORDS:
            words = f"{words[: _MOST_WORDS - 1]}…"
        with self._lock:
            self._count += 1
            self._lines.append(LogLine(self._count, time.time(), level, words))

    def after(self, number: int, most: int = MOST_LINES) -> list[LogLine]:
        """The newest ``most`` of the lines after number ``number``, oldest first."""
        with self._lock:
            found = [line for line in self._lines if line.number > number]
        return found[-most:] if most > 0 else []


recent = LogRing()
"""The lines of this process."""
