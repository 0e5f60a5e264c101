"""Changes of sound that nobody is to hear as such: ramps, blocks a few samples longer or shorter.

A stretched block begins and ends exactly where it did: it goes a little slower or faster in its
middle only. So a block that is left alone joins on to it as it is, to the bit.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

I16 = NDArray[np.int16]
F32 = NDArray[np.float32]

HISTORY = 8
"""Samples before a block that its interpolation looks at; as many after."""
_TAPS = np.arange(-HISTORY + 1, HISTORY + 1)


def ramp(count: int) -> F32:
    """A raised cosine from 0 to 1, float32 (count, 1): without a corner, so without a click."""
    turn = (np.arange(count, dtype=np.float32) + 0.5) / max(1, count)
    return (0.5 - 0.5 * np.cos(np.pi * turn)).astype(np.float32)[:, None]


def faded_in(samples: I16, count: int) -> I16:
    """The same with its first ``count`` samples, or as many as there are, rising from silence."""
    count = min(count, len(samples))
    made = samples.copy()
    made[:count] = np.rint(made[:count] * ramp(count))
    return made


def faded_out(samples: I16, count: int) -> I16:
    """The same with its last ``count`` samples, or as many as there are, falling to silence."""
    return faded_in(samples[::-1], count)[::-1]


def stretched(samples: I16, count: int, before: I16) -> I16:
    """The block in ``count`` samples: interpolated by a windowed sinc along a smooth warp.

    ``before``: what came before it, at least ``HISTORY`` samples.

    The warp is p(k) = k + (n - count) s(k / count), s(x) = 3x² - 2x³, for n samples in; the sinc
    has 16 taps under a Hann window (Smith, Digital Audio Resampling, windowed-sinc interpolation).
    """
    held = np.concatenate((before[-HISTORY:], samples, np.repeat(samples[-1:], HISTORY + 1, 0)))
    places, weights = _weights(len(samples), count)
    made = np.einsum("kt,ktc->kc", weights, held[places].astype(np.float32))
    whole: I16 = np.rint(made).clip(-32768, 32767).astype(np.int16)
    return whole


@lru_cache(maxsize=32)
def _weights(count_in: int, count: int) -> tuple[NDArray[np.intp], F32]:
    """For each sample to be made the places that it is made of, and their weights: (count, 16)."""
    turn = np.arange(count) / count
    where = np.arange(count) + (count_in - count) * (3 - 2 * turn) * turn**2
    whole = np.floor(where).astype(np.intp)
    away = (where - whole)[:, None] - _TAPS
    weights = np.sinc(away) * np.cos(np.pi / 2 * away / HISTORY) ** 2
    weights /= weights.sum(1, keepdims=True)
    places = (whole[:, None] + _TAPS + HISTORY).clip(0, count_in + 2 * HISTORY)
    return places, weights.astype(np.float32)
