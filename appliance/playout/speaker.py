"""The thread in which a voice speaks, a turn ahead of what is heard at most."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import structlog

from appliance.errors import MatteboxError, VoiceError
from appliance.playout.pieces import pieces_of
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
        busy_since: ``time.monotonic()`` when it began to wait for a piece; None: it does not.
    """

    def __init__(self) -> None:
        self._turns: deque[tuple[Turn, Stream]] = deque()
        self._moved = threading.Condition()
        self._stop = False
        self.busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def speak(self, turn: Turn, stream: Stream) -> None:
        """Have this turn's pieces made once those before it are."""
        with self._moved:
            self._turns.append((turn, stream))
            self._moved.notify_all()

    def close(self) -> bool:
        """End the thread; False if the voice does not let go of it."""
        with self._moved:
            self._stop = True
            for turn, _ in self._turns:
                turn.cancel.set()
            self._moved.notify_all()
        self._thread.join(_STOP_S)
        return not self._thread.is_alive()

    def abandon(self) -> list[tuple[Turn, Stream]]:
        """Leave the thread to itself, as the voice hangs; returns the turns that still wait."""
        with self._moved:
            self._stop = True
            self._moved.notify_all()
            return list(self._turns)[1:]

    def _run(self) -> None:
        while True:
            with self._moved:
                while not self._turns and not self._stop:
                    self._moved.wait(_WAIT_S)
                if self._stop:
                    return
                turn, stream = self._turns[0]
            self._speak(turn, stream)
            with self._moved:
                self._turns.popleft()

    def _speak(self, turn: Turn, stream: Stream) -> None:
        try:
            self._make(turn, stream)
        except MatteboxError as error:
            self._fail(turn, str(error))
        except Exception as error:  # a voice may be anybody's code
            log.exception("the voice failed", turn=turn.number)
            self._fail(turn, f"the voice failed: {type(error).__name__}: {error}")
        finally:
            self.busy_since = None
            turn.complete()

    def _make(self, turn: Turn, stream: Stream) -> None:
        if turn.cancel.is_set():
            return
        self.busy_since = time.monotonic()
        for piece in stream(turn.cancel):
            self.busy_since = None
            while not turn.add(piece, _WAIT_S):
                if turn.cancel.is_set() or self._stop:
                    return
            self.busy_since = time.monotonic()

    def _fail(self, turn: Turn, reason: str) -> None:
        if not turn.cancel.is_set():
            turn.reason = reason
            log.warning("a turn could not be spoken", turn=turn.number, why=reason)


def spoken(voice: Voice | None, text: str, why: str) -> Stream:
    """The pieces of a text as a voice speaks it; without one, VoiceError says ``why``."""

    def stream(cancel: threading.Event) -> Iterator[Piece]:
        if not text.strip():
            return
        if voice is None:
            raise VoiceError(why)
        for speech in voice.stream(text, cancel):
            yield from pieces_of(speech, text, voice.language)

    return stream


def recited(speech: Speech, text: str, language: str) -> Stream:
    """The pieces of recorded speech."""
    return lambda cancel: pieces_of(speech, text, language)
