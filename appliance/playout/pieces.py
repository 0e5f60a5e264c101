"""Speech as a voice gives it, made into pieces as the clock takes them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from appliance.captions.cut import cut
from appliance.media.audio import I16, RATE
from appliance.playout.sound import FADE, faded_in
from appliance.playout.turn import At, Piece
from appliance.voices.base import Speech
from appliance.voices.resample import to_48k
from appliance.voices.sane import sane

# Speech of minutes in one piece would be placed in the queue as a whole.
_LONGEST = 5 * RATE
_QUIET = 100
# How far from its mark a word's first sound may be, behind how much silence.
_ONSET, _PAUSE = RATE // 16, RATE // 50
_HEARD = 300


class Pieces:
    """The speech of one turn on its way to the clock: 48 kHz, with words, mouth shapes, captions.

    A caption begins with the first of its words that is said.
    """

    def __init__(self, text: str, language: str) -> None:
        self._characters, self._language = len(text), language
        self._cues = cut(text, language)
        self._starts = [cue.start for cue in self._cues]
        self._shown = -1
        self._begun = False

    def of(self, speech: Speech) -> Iterator[Piece]:
        """The pieces of some speech. Raises VoiceError for speech that cannot be."""
        speech = sane(speech, self._characters)
        samples = to_48k(speech.pcm, speech.rate)
        skipped = 0
        if not self._begun and len(samples):
            self._begun = True
            # Nobody waits for the silence before the first word.
            skipped = _silent(samples)
            samples = faded_in(samples[skipped:]) if skipped else samples
        ats: list[At] = []
        for mark in speech.marks:
            sample = max(0, int(mark.ms * RATE / 1000) - skipped)
            at = At(sample, mark.kind, mark.value, mark.position, mark.length)
            if mark.kind == "word" and mark.length:
                ats += self._caption(at, samples)
            ats.append(at)
        ats.sort(key=lambda at: at.sample)
        for start in range(0, len(samples), _LONGEST):
            end = min(start + _LONGEST, len(samples))
            # What is marked at the very end belongs to the last piece.
            until = end if end < len(samples) else 1 << 62
            inside = (at for at in ats if start <= at.sample < until)
            yield Piece(samples[start:end], tuple(at.later(-start) for at in inside))

    def _caption(self, word: At, samples: I16) -> list[At]:
        """The cue that begins with this word, if one does: from the word's first sound on."""
        index = bisect_right(self._starts, word.position) - 1
        if index == self._shown or index < 0:
            return []
        self._shown, cue = index, self._cues[index]
        at = _onset(samples, word.sample)
        return [At(at, "caption", cue.text, cue.start, cue.length, self._language)]


def _silent(samples: I16) -> int:
    """How many samples there are before the first that can be heard, less those of a fade."""
    loud = np.flatnonzero(np.abs(samples[:, 0].astype(np.int32)) > _QUIET)
    return max(0, int(loud[0]) - FADE) if len(loud) else 0


def _onset(samples: I16, mark: int) -> int:
    """Where sound begins after a pause, nearest to a word's mark; the mark where none does."""
    first = max(0, mark - _ONSET)
    window = np.abs(samples[first : mark + _ONSET, 0].astype(np.int32))
    loud = np.flatnonzero(window > _HEARD)
    # Before speech begins there is silence.
    begins = first + loud[np.diff(loud, prepend=-1 if first else -_PAUSE) >= _PAUSE]
    return int(min(begins, key=lambda at: abs(at - mark), default=mark))
