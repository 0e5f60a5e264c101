"""Samples of speech made ready: silence at either end cut to measure, without a click."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from appliance.media.audio import I16
from appliance.voices.base import Mark

BEFORE_MS, AFTER_MS = 40, 150
"""Silence left before and after a sentence: what follows begins after both."""
FADE_MS = 8
_WINDOW_MS = 5
_QUIET = 0.004
"""RMS of silence, of full scale (-48 dB)."""

F32 = NDArray[np.float32]


def trimmed(sound: F32, rate: int) -> tuple[I16, float]:
    """Speech with short silence around it, as int16, and how many milliseconds were cut before it.

    At most ``BEFORE_MS`` of what was before it stays; after it there are ``AFTER_MS``.

    Args:
        sound: float32 (samples,), full scale 1. rate: samples a second.

    Nothing is left of sound in which nothing is heard.
    """
    window = max(1, rate * _WINDOW_MS // 1000)
    count = len(sound) // window
    power = np.square(sound[: count * window].reshape(count, window)).mean(axis=1)
    heard = np.flatnonzero(power > _QUIET**2)
    if not len(heard):
        return np.zeros(0, np.int16), 0.0
    first = max(0, int(heard[0]) * window - rate * BEFORE_MS // 1000)
    after = rate * AFTER_MS // 1000
    last = (int(heard[-1]) + 1) * window
    kept = np.zeros(last + after - first, np.float32)
    with_end = sound[first : last + after]
    kept[: len(with_end)] = with_end
    fade = min(len(with_end) // 2, rate * FADE_MS // 1000)
    ramp = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
    kept[:fade] *= ramp
    kept[len(with_end) - fade : len(with_end)] *= ramp[::-1]
    return to_int16(kept), 1000.0 * first / rate


def closed(marks: Iterable[Mark], pcm: I16, rate: int) -> tuple[Mark, ...]:
    """Marks of trimmed speech, none in the silence after it, where the mouth closes.

    Args:
        marks: by time, from the first of the samples. pcm, rate: as ``trimmed`` gave them.
    """
    end = max(0.0, 1000.0 * len(pcm) / rate - AFTER_MS)
    kept = [
        mark if mark.ms <= end else replace(mark, ms=end)
        for mark in marks
        if mark.ms < end or mark.kind == "word"
    ]
    return (*kept, Mark(end, "viseme", "sil"))


def to_int16(sound: F32) -> I16:
    """Float samples, full scale 1, as int16; what is louder is cut off."""
    scaled: F32 = np.clip(sound, -1.0, 1.0) * np.float32(32767)
    return np.rint(scaled).astype(np.int16)
