"""A voice for tests: one word is 100 ms of a tone, with its mark and a mouth shape."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from appliance.playout.playout import Playout
from appliance.playout.tick import Tick
from appliance.voices.base import Mark, Speech

WORD_MS = 100
LEVEL = 8000


def spoken_words(text: str, rate: int = 48_000, offset: int = 0) -> Speech:
    """Speech of a text, every word as long as the next; the tone never crosses zero slowly."""
    words = list(re.finditer(r"\S+", text))
    count = WORD_MS * rate // 1000
    pcm = np.full(count * len(words), LEVEL, np.int16)
    marks: list[Mark] = []
    for index, word in enumerate(words):
        place = offset + word.start(), len(word[0])
        marks.append(Mark(index * WORD_MS, "word", word[0], *place))
        marks.append(Mark(index * WORD_MS, "viseme", "aa", *place))
    return Speech(pcm, rate, tuple(marks))


class WordVoice:
    """Speaks sentence by sentence; ``before`` is called ahead of each."""

    name, language = "words", "en"

    def __init__(self, before: Callable[[int, threading.Event], None] | None = None) -> None:
        self._before = before
        self.closed = False
        self.asked: list[str] = []

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        self.asked.append(text)
        for index, sentence in enumerate(re.finditer(r"[^.]+\.?", text)):
            if self._before is not None:
                self._before(index, cancel)
            if cancel.is_set():
                return
            if sentence[0].strip():
                yield spoken_words(sentence[0], offset=sentence.start())

    def close(self) -> None:
        self.closed = True


def ticks_until(
    playout: Playout, done: Callable[[Tick], bool], most: int = 2000, wait_s: float = 5.0
) -> list[Tick]:
    """Tick until it is so; a little slower than as fast as possible, for threads to keep up."""
    found = []
    deadline = time.monotonic() + wait_s
    for _ in range(most):
        found.append(playout.tick())
        if done(found[-1]):
            return found
        assert time.monotonic() < deadline, "not within its time"
        time.sleep(0.0005)
    raise AssertionError(f"not within {most} ticks")


def ready(playout: Playout, number: int, wait_s: float = 5.0) -> None:
    """Wait until the first sound of a turn is there, so that the next tick has it."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        turn = next((one for one in playout._turns if one.number == number), None)
        if turn is None or turn.ready:
            return
        time.sleep(0.001)
    raise AssertionError("the turn's first sound did not come")
