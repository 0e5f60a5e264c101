"""A turn: something to say or do, from being asked to being over; and its sound on its way."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

import numpy as np

from appliance.media.audio import CHANNELS, I16, RATE
from appliance.playout.script import ActionCue, Script

State = Literal["queued", "speaking", "finished", "interrupted", "failed"]

AHEAD_S = 20
"""A voice is made to wait when it is this far ahead of what is heard, seconds."""


@dataclass(frozen=True, slots=True)
class At:
    """Something within a turn, at a sample counted from the turn's first.

    Attributes:
        kind: word, viseme, caption (its text in ``value``, its language in ``also``).
        position, length: characters of the turn's text.
    """

    sample: int
    kind: Literal["word", "viseme", "caption"]
    value: str
    position: int = 0
    length: int = 0
    also: str = ""

    def later(self, samples: int) -> At:
        """The same, so many samples later."""
        return replace(self, sample=self.sample + samples)


@dataclass(frozen=True, slots=True)
class Piece:
    """Speech, ready to be heard: int16 (samples, 2) at 48 kHz, and what happens in it."""

    samples: I16
    ats: tuple[At, ...] = ()


class Turn:
    """One turn. Its maker adds pieces; the clock takes exactly as many samples as it needs.

    Attributes:
        number: counts turns from 1. script: what is said; empty for a recording without a text.
        cancel: set when nobody wants the rest.
        state, reason: how it is doing, and why it failed.
    """

    def __init__(self, number: int, script: Script) -> None:
        self.number = number
        self.script = script
        self.cancel = threading.Event()
        self.state: State = "queued"
        self.reason = ""
        self.cues: deque[ActionCue] = deque(script.cues)
        self.inlet = False
        """Whether its speech arrives from outside, in pieces."""
        self.fed_at = time.monotonic()
        """When the last piece came."""
        self.underruns = 0
        """Times that the voice was slower than the clock."""
        self._moved = threading.Condition()
        self._pieces: deque[Piece] = deque()
        self._ats: deque[At] = deque()
        self._recent: deque[At] = deque(maxlen=16)
        # Samples made so far, and taken so far.
        self._made = self._taken = 0
        # Where in its first piece the next sample is.
        self._at = 0
        self._done = False

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.state in ("finished", "interrupted", "failed")

    @property
    def taken(self) -> int:
        """Samples heard so far."""
        return self._taken

    @property
    def ready(self) -> bool:
        """Whether its first sound is here, or it is known that there is none."""
        return self._made > self._taken or self._done

    @property
    def exhausted(self) -> bool:
        """Whether all of it has been heard."""
        return self._done and self._taken >= self._made

    @property
    def starved(self) -> bool:
        """Whether more is to come and nothing is here."""
        return not self._done and self._made <= self._taken

    def add(self, piece: Piece, timeout: float) -> bool:
        """Add a piece; waits while too much waits to be heard.

        Returns False when that took longer than ``timeout`` seconds, or nobody wants it.
        """
        most = AHEAD_S * RATE
        with self._moved:
            self._moved.wait_for(
                lambda: self.cancel.is_set() or self._made - self._taken < most, timeout
            )
            if self.cancel.is_set() or self._made - self._taken >= most:
                return False
            self._pieces.append(piece)
            self._ats.extend(at.later(self._made) for at in piece.ats)
            self._made += len(piece.samples)
            self.fed_at = time.monotonic()
            return True

    def complete(self) -> None:
        """No more pieces will come."""
        with self._moved:
            self._done = True

    def take(self, count: int) -> tuple[I16, list[At]]:
        """The next samples, ``count`` at most, and what begins in them."""
        with self._moved:
            samples = self._peek(count)
            self._advance(len(samples))
            ats = []
            while self._ats and self._ats[0].sample < self._taken:
                ats.append(self._ats.popleft())
            if self.exhausted:
                # What is marked at the very end, or beyond.
                ats.extend(self._ats)
                self._ats.clear()
            self._recent.extend(ats)
            self._moved.notify_all()
            return samples, ats

    def peek(self, count: int) -> I16:
        """The next samples, ``count`` at most, left where they are."""
        with self._moved:
            return self._peek(count)

    def marks(self) -> Sequence[At]:
        """What lies around the next sample: the last few that were, and those to come soon."""
        with self._moved:
            return (*self._recent, *islice(self._ats, 64))

    def drop(self) -> None:
        """Nobody wants the rest: whoever makes it is let go, and what waits is given up."""
        self.cancel.set()
        with self._moved:
            self._pieces.clear()
            self._ats.clear()
            self._made, self._at, self._done = self._taken, 0, True
            self._moved.notify_all()

    def _peek(self, count: int) -> I16:
        found, left, at = [], count, self._at
        for piece in self._pieces:
            if left <= 0:
                break
            part = piece.samples[at : at + left]
            found.append(part)
            left -= len(part)
            at = 0
        return np.concatenate(found) if found else np.zeros((0, CHANNELS), np.int16)

    def _advance(self, count: int) -> None:
        self._taken += count
        self._at += count
        while self._pieces and self._at >= len(self._pieces[0].samples):
            self._at -= len(self._pieces.popleft().samples)


@dataclass(frozen=True, slots=True)
class TurnState:
    """What is told of a turn.

    Attributes:
        text: what is said, without cues. heard_s: how much of it has been heard.
    """

    number: int
    state: State
    text: str
    reason: str = ""
    heard_s: float = 0.0
    cues: tuple[str, ...] = field(default=())


def state_of(turn: Turn) -> TurnState:
    """What is to be told of a turn now."""
    names = tuple(cue.action for cue in turn.script.cues)
    return TurnState(
        turn.number, turn.state, turn.script.text, turn.reason, turn.taken / RATE, names
    )
