"""Speech as a voice gives it, made into pieces as the clock takes them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from appliance.captions.cut import cut
from appliance.media.audio import RATE
from appliance.playout.turn import At, Piece
from appliance.voices.base import Speech
from appliance.voices.resample import to_48k
from appliance.voices.sane import sane

# Speech of minutes in one piece would be placed in the queue as a whole.
_LONGEST = 5 * RATE


class Pieces:
    """The speech of one turn on its way to the clock: 48 kHz, with words, mouth shapes, captions.

    A caption begins with the first of its words that is said.
    """

    def __init__(self, text: str, language: str) -> None:
        self._characters, self._language = len(text), language
        self._cues = cut(text, language)
        self._starts = [cue.start for cue in self._cues]
        self._shown = -1

    def of(self, speech: Speech) -> Iterator[Piece]:
        """The pieces of some speech. Raises VoiceError for speech that cannot be."""
        speech = sane(speech, self._characters)
        samples = to_48k(speech.pcm, speech.rate)
        ats: list[At] = []
        for mark in speech.marks:
            at = At(int(mark.ms * RATE / 1000), mark.kind, mark.value, mark.position, mark.length)
            if mark.kind == "word" and mark.length:
                ats += self._caption(at)
            ats.append(at)
        for start in range(0, len(samples), _LONGEST):
            end = min(start + _LONGEST, len(samples))
            # What is marked at the very end belongs to the last piece.
            until = end if end < len(samples) else 1 << 62
            inside = (at for at in ats if start <= at.sample < until)
            yield Piece(samples[start:end], tuple(at.later(-start) for at in inside))

    def _caption(self, word: At) -> list[At]:
        """The cue that begins with this word, if one does."""
        index = bisect_right(self._starts, word.position) - 1
        if index == self._shown or index < 0:
            return []
        self._shown, cue = index, self._cues[index]
        return [At(word.sample, "caption", cue.text, cue.start, cue.length, self._language)]
