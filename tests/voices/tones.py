"""Voices for tests: a sine a word, with the marks that belong to it, and ones that misbehave."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from appliance.errors import VoiceError
from appliance.media.audio import I16
from appliance.voices.base import VISEMES, Mark, Speech

WORD_MS = 200
"""How long each word lasts, the pause after it included."""
PAUSE_MS = 40
"""The silence at the end of each word."""
FIRST_HZ, STEP_HZ, PITCHES = 300, 25, 20
"""The n-th word of a text is a sine of ``pitch(n)`` hertz."""
LOUDNESS = 12_000

_SENTENCE = re.compile("[^.!?\u3002\uff01\uff1f]+[.!?\u3002\uff01\uff1f]*")
_WORD = re.compile(r"\w+(?:'\w+)*")


def pitch(n: int) -> int:
    """The frequency of the n-th word of a text, hertz."""
    return FIRST_HZ + STEP_HZ * (n % PITCHES)


class Tones:
    """Says each word as a sine of its own pitch: 160 ms and 40 ms of silence, sentence by sentence.

    Each word has a word mark at its beginning, two visemes (a consonant's at its beginning, a
    vowel's 60 ms later), and "sil" at the beginning of its pause. The same text always gives the
    same samples.
    """

    name = "tones"
    language = ""

    def __init__(self, rate: int = 24_000) -> None:
        self.rate = rate
        self.spoken: list[str] = []
        """The texts that were asked for."""
        self.given = 0
        """Pieces given so far."""
        self.closed = False

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``."""
        self.spoken.append(text)
        n = 0
        for sentence in _SENTENCE.finditer(text):
            words = list(_WORD.finditer(text, sentence.start(), sentence.end()))
            if not words:
                continue
            if cancel.is_set():
                return
            self.given += 1
            yield self._say(words, n)
            n += len(words)

    def _say(self, words: list[re.Match[str]], n: int) -> Speech:
        marks: list[Mark] = []
        for i, word in enumerate(words):
            at, place = float(i * WORD_MS), (word.start(), len(word[0]))
            consonant = VISEMES[1 + (n + i) % 9]
            vowel = VISEMES[10 + (n + i) % 5]
            marks += [
                Mark(at, "word", word[0], *place),
                Mark(at, "viseme", consonant, *place),
                Mark(at + 60, "viseme", vowel, *place),
                Mark(at + WORD_MS - PAUSE_MS, "viseme", "sil", *place),
            ]
        sound = np.concatenate([self._tone(pitch(n + i)) for i in range(len(words))])
        return Speech(sound, self.rate, tuple(marks))

    def _tone(self, hz: int) -> I16:
        count, voiced = (self.rate * ms // 1000 for ms in (WORD_MS, WORD_MS - PAUSE_MS))
        t = np.arange(voiced) / self.rate
        tone = np.zeros(count, np.int16)
        ramp = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.005)  # 5 ms, so that nothing clicks
        tone[:voiced] = LOUDNESS * ramp * np.sin(2 * math.pi * hz * t)
        return tone

    def close(self) -> None:
        """As of ``Voice``."""
        self.closed = True


class Stalls(Tones):
    """Gives ``after`` pieces, then nothing until it is cancelled, or ``most_s`` have passed."""

    def __init__(self, after: int = 0, most_s: float = 30.0) -> None:
        super().__init__()
        self.after, self.most_s = after, most_s
        self.stalled = threading.Event()
        """Set when it has stalled."""

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``."""
        for i, speech in enumerate(super().stream(text, cancel)):
            if i == self.after:
                self.stalled.set()
                if not cancel.wait(self.most_s):
                    raise VoiceError(f"the voice said nothing for {self.most_s:g} s")
                return
            yield speech


class Dies(Tones):
    """Gives ``after`` pieces and raises ``error``: by default what a voice may raise."""

    def __init__(self, after: int = 0, error: Callable[[], Exception] | None = None) -> None:
        super().__init__()
        self.after = after
        self.error = error or (lambda: VoiceError("the voice's process ended with status 1"))

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``."""
        for i, speech in enumerate(super().stream(text, cancel)):
            if i == self.after:
                raise self.error()
            yield speech


class Lies(Tones):
    """Gives what ``change`` makes of each true piece: see the functions below."""

    def __init__(self, change: Callable[[Speech], Speech]) -> None:
        super().__init__()
        self.change = change

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``."""
        for speech in super().stream(text, cancel):
            yield self.change(speech)


def negative(speech: Speech) -> Speech:
    """Every mark half a second early, the first ones before the first sample."""
    return replace(speech, marks=tuple(replace(m, ms=m.ms - 500) for m in speech.marks))


def past_the_end(speech: Speech) -> Speech:
    """Every mark after the last sample."""
    late = 1000 * speech.seconds + 1
    return replace(speech, marks=tuple(replace(m, ms=m.ms + late) for m in speech.marks))


def unsorted(speech: Speech) -> Speech:
    """The last mark first."""
    return replace(speech, marks=speech.marks[::-1])


def not_a_number(speech: Speech) -> Speech:
    """A time that is none. ``sane`` refuses it."""
    return replace(speech, marks=(replace(speech.marks[0], ms=math.nan), *speech.marks[1:]))


def rate_of_nothing(speech: Speech) -> Speech:
    """A rate that cannot be. ``sane`` refuses it."""
    return replace(speech, rate=0)


def two_channels(speech: Speech) -> Speech:
    """Samples of another shape. ``sane`` refuses it."""
    return replace(speech, pcm=np.stack([speech.pcm, speech.pcm], 1))


def empty(speech: Speech) -> Speech:
    """Marks without a sample."""
    return replace(speech, pcm=speech.pcm[:0])


CLAMPED = (negative, past_the_end, unsorted, empty)
"""Lies that ``sane`` puts right."""
REFUSED = (not_a_number, rate_of_nothing, two_channels)
"""Lies that ``sane`` refuses."""
