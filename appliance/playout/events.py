"""What happens, at the tick it happens: a bounded log that any number of readers may follow."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import structlog

EventKind = Literal[
    "queued", "started", "word", "caption", "action", "idle", "finished", "interrupted", "failed"
]

_KEPT = 2000
# A text may have 100,000 characters: of such, fewer are kept.
_KEPT_CHARACTERS = 2_000_000


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        number: counts all events from 1.
        kind: queued, finished, interrupted, failed: of a turn. started: its first sound. word: one
            is being said. caption: one is shown from now on. action: an action's first frame. idle:
            the first frame back in an idle clip.
        turn: the turn's number; 0 for what belongs to none.
        tick: in which tick; events are told as it is played, not as it was made.
        time_s: seconds since the playout's first tick.
        data: what else there is to say, as JSON values.
    """

    number: int
    kind: EventKind
    turn: int
    tick: int
    time_s: float
    data: dict[str, object] = field(default_factory=dict)


class EventLog:
    """The last events. Readers ask for what came after a number; who is too slow loses some."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._characters = 0
        self._moved = threading.Condition()
        self._last = 0
        self._closed = False
        self._listeners: set[Callable[[], None]] = set()

    def add(self, kind: EventKind, turn: int, tick: int, time_s: float, **data: object) -> None:
        """Note an event."""
        with self._moved:
            self._last += 1
            self._events.append(Event(self._last, kind, turn, tick, time_s, data))
            self._characters += _characters(data)
            while len(self._events) > _KEPT or self._characters > _KEPT_CHARACTERS:
                self._characters -= _characters(self._events.popleft().data)
            self._wake()

    @property
    def last(self) -> int:
        """The number of the newest event; 0 before the first."""
        return self._last

    @property
    def closed(self) -> bool:
        """Whether no more will come."""
        return self._closed

    def after(self, number: int, timeout: float = 0.0) -> list[Event]:
        """What came after this number; waits up to ``timeout`` seconds if there is nothing yet."""
        deadline = time.monotonic() + timeout
        with self._moved:
            while self._last <= number and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    return []
                self._moved.wait(left)
            return [event for event in self._events if event.number > number]

    def close(self) -> None:
        """Let go of whoever waits."""
        with self._moved:
            self._closed = True
            self._wake()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have this called at each event, and at the end, by whichever thread.

        It must not wait, as the clock does while it runs; nor ask this log. If it raises, it is
        called no more.
        """
        with self._moved:
            self._listeners.add(listener)

    def leave(self, listener: Callable[[], None]) -> None:
        """Call it no more."""
        with self._moved:
            self._listeners.discard(listener)

    def _wake(self) -> None:
        self._moved.notify_all()
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                self._listeners.discard(listener)
                log.exception("a listener of events failed; it is called no more")


def _characters(data: dict[str, object]) -> int:
    return sum(len(value) for value in data.values() if isinstance(value, str))
