"""The thread in which a voice speaks, a turn ahead of what is heard at most."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast

import structlog

from appliance.errors import MatteboxError
from appliance.playout.pieces import Pieces
from appliance.playout.turn import Piece, Turn
from appliance.voices.base import Speech, Voice

log = structlog.get_logger(__name__)

_WAIT_S = 0.25
_STOP_S = 2.0


Stream = Callable[[threading.Event], Iterator[Piece]]
"""Makes the pieces of a turn, until it is told to stop."""


class Speaker:
    """Makes the speech of turns, one after the other. Whatever the voice does, it ends a turn.

    Attributes:
        doing: the turn that is made, if one is.
        busy_since: ``time.monotonic()`` when it began to wait for a voice; None: it does not.
    """

    def __init__(self) -> None:
        # Turns, and what is to be done between two of them.
        self._work: deque[tuple[Turn | None, Stream | Callable[[], None]]] = deque()
        self._moved = threading.Condition()
        self._stop = False
        self.doing: Turn | None = None
        self.busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def speak(self, turn: Turn, stream: Stream) -> None:
        """Have this turn's pieces made once those before it are."""
        self._put(turn, stream)

    def afterwards(self, action: Callable[[], None]) -> None:
        """Have this done once all turns so far are made; in any case when it is closed."""
        self._put(None, action)

    def close(self) -> bool:
        """End the thread; False if the voice does not let go of it."""
        with self._moved:
            self._stop = True
            for turn, _ in self._work:
                if turn is not None:
                    turn.cancel.set()
            self._moved.notify_all()
        self._thread.join(_STOP_S)
        return not self._thread.is_alive()

    def abandon(self, since: float) -> Speaker | None:
        """Leave the thread to itself, as it hangs; returns another, which does what waits here.

        ``since``: the ``busy_since`` that was too long ago. None if it has got over that meanwhile:
        it goes on.
        """
        with self._moved:
            if self.busy_since != since:
                return None
            self._stop = True
            waiting, self._work = self._work, deque()
            self._moved.notify_all()
        other = Speaker()
        for turn, work in waiting:
            other._put(turn, work)
        return other

    def _put(self, turn: Turn | None, work: Stream | Callable[[], None]) -> None:
        with self._moved:
            self._work.append((turn, work))
            self._moved.notify_all()

    def _run(self) -> None:
        while True:
            with self._moved:
                while not self._work and not self._stop:
                    self._moved.wait(_WAIT_S)
                if not self._work:
                    return
                turn, work = self._work.popleft()
                self.doing = turn
            if turn is None:
                self._do(cast("Callable[[], None]", work))
            else:
                self._speak(turn, cast("Stream", work))

    def _waits(self, waits: bool) -> None:
        # Under the lock, so that nobody gives up what has just come.
        with self._moved:
            self.busy_since = time.monotonic() if waits else None

    def _do(self, action: Callable[[], None]) -> None:
        self._waits(True)
        try:
            action()
        except Exception:  # a voice may be anybody's code
            log.exception("a voice could not be closed")
        finally:
            self._waits(False)

    def _speak(self, turn: Turn, stream: Stream) -> None:
        try:
            self._make(turn, stream)
        except MatteboxError as error:
            self._fail(turn, str(error))
        except Exception as error:  # a voice may be anybody's code
            log.exception("the voice failed", turn=turn.number)
            self._fail(turn, f"the voice failed: {type(error).__name__}: {error}")
        finally:
            self._waits(False)
            turn.complete()

    def _make(self, turn: Turn, stream: Stream) -> None:
        if turn.cancel.is_set():
            return
        self._waits(True)
        for piece in stream(turn.cancel):
            self._waits(False)
            while not turn.add(piece, _WAIT_S):
                if turn.cancel.is_set() or self._stop:
                    return
            self._waits(True)

    def _fail(self, turn: Turn, reason: str) -> None:
        if not turn.cancel.is_set():
            turn.reason = reason
            log.warning("a turn could not be spoken", turn=turn.number, why=reason)


def spoken(voice: Callable[[], Voice], text: str) -> Stream:
    """The pieces of a text, as the voice speaks it that there is when its time has come."""

    def stream(cancel: threading.Event) -> Iterator[Piece]:
        if not text.strip():
            return
        speaker = voice()
        pieces = Pieces(text, speaker.language)
        for speech in speaker.stream(text, cancel):
            yield from pieces.of(speech)

    return stream


def recited(speech: Speech, text: str, language: str) -> Stream:
    """The pieces of recorded speech."""
    return lambda cancel: Pieces(text, language).of(speech)
