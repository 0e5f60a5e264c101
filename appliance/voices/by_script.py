"""Two voices as one: English from one, sentences in other scripts from the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

from appliance.voices.base import Speech, Voice
from appliance.voices.scripts import foreign
from appliance.voices.text import pieces, speakable

_MOST_RUN = 2000
"""Characters that a voice is given at once."""


class ByScript:
    """Speaks each sentence by the voice that can read it."""

    name = "auto"
    language = ""

    def __init__(self, latin: Voice, others: Voice) -> None:
        """Take both over.

        Args:
            latin: for sentences in Latin letters only. others: for all others, also those in which
                only a word is in another script, which ``latin`` would leave out.
        """
        self._latin, self._others = latin, others

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``."""
        text = speakable(text)
        for start, end, is_foreign in _runs(text):
            voice = self._others if is_foreign else self._latin
            for speech in voice.stream(text[start:end], cancel):
                if cancel.is_set():
                    return
                yield _moved(speech, start)
            if cancel.is_set():
                return

    def close(self) -> None:
        """Close both."""
        self._latin.close()
        self._others.close()


def _runs(text: str) -> Iterator[tuple[int, int, bool]]:
    """Sentences in turn that one voice speaks, so many that it can tell which is the first."""
    run: tuple[int, int, bool] | None = None
    for start, end in pieces(text):
        is_foreign = foreign(text[start:end])
        if run is None:
            run = (start, end, is_foreign)
        elif run[2] == is_foreign and end - run[0] <= _MOST_RUN:
            run = (run[0], end, is_foreign)
        else:
            yield run
            run = (start, end, is_foreign)
    if run is not None:
        yield run


def _moved(speech: Speech, start: int) -> Speech:
    """The same with its marks' places counted from the beginning of the whole text."""
    marks = (
        replace(mark, position=mark.position + start) if mark.length else mark
        for mark in speech.marks
    )
    return replace(speech, marks=tuple(marks))
