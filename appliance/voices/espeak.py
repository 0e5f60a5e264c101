"""The voices of espeak-ng, for a hundred languages, spoken in a process of its own."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from appliance.errors import InputError, VoiceError
from appliance.voices.base import Mark, Speech
from appliance.voices.espeak_child import COMMAND, EspeakChild
from appliance.voices.espeak_tags import espeak_voice
from appliance.voices.phones import of_ipa
from appliance.voices.scripts import language_of
from appliance.voices.text import pieces, speakable, words
from appliance.voices.trim import closed, trimmed

_WORDS_A_MINUTE = 165
_SILENT_MS = 80.0
"""A pause shorter than this does not close the mouth."""


class EspeakVoice:
    """espeak-ng: the language of the settings, and for another script the language of that."""

    name = "espeak"

    def __init__(
        self,
        language: str = "en",
        speed: float = 1.0,
        timeout_s: float = 10.0,
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        """Start its process.

        Args:
            language: BCP 47 tag for what is in Latin letters. speed: 0.5 to 2. timeout_s: how long
                a sentence may take.

        Raises MissingDependency without espeak-ng, InputError when it does not know the language.
        """
        self._child = EspeakChild(command)
        self.language = language
        self._wpm = round(_WORDS_A_MINUTE * speed)
        self._timeout_s = timeout_s
        if espeak_voice(language, self._child.voices) is None:
            self.close()
            known = ", ".join(sorted(self._child.voices))
            raise InputError(f"espeak-ng does not speak {language!r}; expected one of {known}")

    @property
    def starts(self) -> int:
        """How often its process has been started."""
        return self._child.starts

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``."""
        text = speakable(text)
        for start, end in pieces(text):
            if cancel.is_set():
                return
            speech = self._say(text, start, end, cancel)
            if speech is None:
                return
            if len(speech.pcm):
                yield speech

    def close(self) -> None:
        """End its process."""
        self._child.close()

    def _say(self, text: str, start: int, end: int, cancel: threading.Event) -> Speech | None:
        sentence = text[start:end]
        voices = self._child.voices
        voice = espeak_voice(language_of(sentence) or self.language, voices)
        voice = voice or espeak_voice(self.language, voices)
        request = {"text": sentence.replace("\n", " "), "voice": voice, "wpm": self._wpm}
        answer = self._child.ask(request, cancel, self._timeout_s)
        if answer is None:
            return None
        head, data = answer
        try:
            rate = int(head["rate"])
            sound = np.frombuffer(data, np.int16).astype(np.float32) / np.float32(32768)
            places = [(start + a, start + b) for a, b in words(sentence)]
            pcm, cut = trimmed(sound, rate)
            marks = closed(_marks(head["marks"], text, start, places, cut), pcm, rate)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise VoiceError(f"the voice espeak answered with {error!r}") from error
        return Speech(pcm, rate, marks)


def _marks(
    found: Sequence[Any], text: str, start: int, places: list[tuple[int, int]], cut: float
) -> Iterator[Mark]:
    """Each written word once, at the first that is said of it, and the mouth's shapes."""
    begins = [a for a, _ in places]
    last, place = -1, (0, 0)
    # The time of a sound is known; it lasts until the next.
    times = [max(0.0, float(mark[0]) - cut) for mark in found]
    phones = [i for i, mark in enumerate(found) if mark[1] == "phone"]
    ends = [times[i] for i in phones[1:]]
    if phones:
        ends.append(times[phones[-1]] + _SILENT_MS)
    following = dict(zip(phones, ends, strict=True))
    for i, mark in enumerate(found):
        ms = times[i]
        if mark[1] == "word":
            at, length = int(mark[2]) + start, int(mark[3])
            index = bisect_right(begins, at) - 1 if length > 0 else -1
            if index < 0 and length > 0 and begins and at + length > begins[0]:
                index = 0
            if index > last:
                a, b = places[index]
                last, place = index, (a, b - a)
                yield Mark(ms, "word", text[a:b], *place)
            continue
        shapes = of_ipa(str(mark[2]))
        end = following[i]
        if not str(mark[2]).strip() and end - ms >= _SILENT_MS:
            yield Mark(ms, "viseme", "sil")
        for k, shape in enumerate(shapes):
            yield Mark(ms + k * (end - ms) / len(shapes), "viseme", shape, *place)
