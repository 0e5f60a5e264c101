"""What a voice says of itself, checked: whoever plays it need not doubt its rate or its times."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np

from appliance.errors import VoiceError
from appliance.voices.base import VISEMES, Kind, Mark, Speech

RATES = range(8_000, 48_001)
"""Rates that a piece of speech may have, samples a second."""
MOST_SECONDS = 600
"""The longest piece of speech."""
MOST_MARKS = 100_000

_KINDS = get_args(Kind)


def sane(speech: Speech, characters: int | None = None) -> Speech:
    """A piece of speech with its marks in order and within it, or the same one if they are.

    Marks before the first sample or after the last are moved there, and their places in the text
    into the text.

    Args:
        speech: as a voice gave it.
        characters: the length of the text that was given to ``stream``, where that is known.

    Raises VoiceError when the samples are not int16 of one channel, when the rate or a mark's time
    cannot be true, and for a mark or a viseme of no known kind.
    """
    _check_sound(speech)
    if len(speech.marks) > MOST_MARKS:
        raise VoiceError(
            f"the voice gave {len(speech.marks)} marks in one piece of speech; expected at most "
            f"{MOST_MARKS}: it is broken, choose another in voice.name"
        )
    end = 1000.0 * len(speech.pcm) / speech.rate
    marks = [_placed(mark, end, characters) for mark in speech.marks]
    marks.sort(key=lambda mark: mark.ms)  # stable: a word stays before its first viseme
    kept = tuple(marks)
    return speech if kept == speech.marks else replace(speech, marks=kept)


def _check_sound(speech: Speech) -> None:
    pcm, rate = speech.pcm, speech.rate
    if not isinstance(pcm, np.ndarray) or pcm.dtype != np.int16 or pcm.ndim != 1:
        what = f"{pcm.dtype} {pcm.shape}" if isinstance(pcm, np.ndarray) else type(pcm).__name__
        raise VoiceError(f"the voice gave {what}; expected samples of one channel, int16 (count,)")
    if type(rate) is not int or rate not in RATES:
        raise VoiceError(
            f"the voice gave a rate of {rate!r}; expected {RATES[0]} to {RATES[-1]} samples a "
            "second"
        )
    if len(pcm) > MOST_SECONDS * rate:
        raise VoiceError(
            f"the voice gave {len(pcm) / rate:.0f} seconds in one piece; expected at most "
            f"{MOST_SECONDS}: give it shorter sentences"
        )


def _placed(mark: Mark, end: float, characters: int | None) -> Mark:
    if mark.kind not in _KINDS:
        raise VoiceError(
            f"the voice gave a mark of the kind {mark.kind!r}; expected word or viseme"
        )
    if mark.kind == "viseme" and mark.value not in VISEMES:
        raise VoiceError(
            f"the voice gave the viseme {mark.value[:20]!r}; expected one of {', '.join(VISEMES)}"
        )
    if not math.isfinite(mark.ms):
        raise VoiceError(
            f"the voice gave {mark.ms} as the time of {mark.value[:40]!r}; expected milliseconds"
        )
    ms = min(max(mark.ms, 0.0), end)
    most = math.inf if characters is None else characters
    position = int(min(max(mark.position, 0), most))
    length = int(min(max(mark.length, 0), most - position))
    if (ms, position, length) == (mark.ms, mark.position, mark.length):
        return mark
    return replace(mark, ms=ms, position=position, length=length)
