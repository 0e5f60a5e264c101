"""Words spread over speech of which only the sound is known: by their length, where it is loud."""

from __future__ import annotations

import numpy as np

from appliance.voices.base import Mark
from appliance.voices.text import words
from appliance.voices.trim import F32

_WINDOW_MS = 20
_QUIET = 0.05
"""Of the loudness that a tenth of the windows exceeds: below it nothing is being said."""


def spread(text: str, sound: F32, rate: int) -> tuple[Mark, ...]:
    """A mark for each word of the text, each with time in proportion to its length.

    Pauses of the speech have no part in it: a word does not begin in one.

    Args:
        sound: float32 (samples,), full scale 1. rate: samples a second.
    """
    places = words(text)
    window = max(1, rate * _WINDOW_MS // 1000)
    count = len(sound) // window
    if not places or not count:
        return ()
    level = np.sqrt(np.square(sound[: count * window].reshape(count, window)).mean(axis=1))
    heard = np.flatnonzero(level > _QUIET * np.percentile(level, 90))
    if not len(heard):
        heard = np.arange(count)
    lengths = np.array([end - start + 1 for start, end in places], np.float64)
    begins = np.concatenate([[0.0], np.cumsum(lengths)[:-1]]) / lengths.sum()
    at = heard[np.minimum((begins * len(heard)).astype(int), len(heard) - 1)]
    return tuple(
        Mark(float(index * window * 1000 / rate), "word", text[start:end], start, end - start)
        for index, (start, end) in zip(at, places, strict=True)
    )
