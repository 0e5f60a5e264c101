"""Speech of any rate brought to the appliance's own in pieces, without a click between them."""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from appliance.errors import InputError
from appliance.media.audio import CHANNELS, I16, RATE

RATES = range(8_000, 192_001)
_ZEROS = 24
"""Zero crossings of the filter on either side: its transition is a twelfth of the band."""
_BETA = 9.0
"""Kaiser's window: what is out of band is 90 dB below."""
_ROLL_OFF = 0.945
_PHASES = 1280
"""Filters kept: enough for the usual rates; of others the nearest phase is taken."""
_CHUNK = 8192


class Resampler:
    """int16 of one channel in, int16 of 48 kHz in two channels out, piece by piece.

    A polyphase filter (Kaiser-windowed sinc) without delay: what is put out of n samples put in is
    round(n * 48,000 / rate) in all, once ``flush`` has been called.
    """

    def __init__(self, rate: int) -> None:
        """``rate``: samples a second, 8,000 to 192,000. Raises InputError for another."""
        if rate not in RATES:
            raise InputError(f"found {rate} samples a second; expected {RATES[0]} to {RATES[-1]}")
        self.rate = rate
        divisor = gcd(RATE, rate)
        self._up, self._down = RATE // divisor, rate // divisor
        self._filters, self._half = _filters(self._up, self._down)
        self._given = 0
        self._taken = 0
        # The last samples put in; before the first there is silence.
        self._kept: NDArray[np.float32] = np.zeros(self._half - 1, np.float32)
        self._first = 1 - self._half
        """The number of the first sample that is kept."""

    def push(self, pcm: I16) -> I16:
        """The next samples, int16 (count,); gives those that are ready, int16 (count, 2)."""
        self._taken += len(pcm)
        self._kept = np.concatenate([self._kept, pcm.astype(np.float32)])
        last = self._first + len(self._kept)  # one past the last sample that is here
        # Output n needs inputs up to n * down / up + half.
        ready = max(0, ((last - self._half) * self._up - 1) // self._down + 1)
        return self._out(ready)

    def flush(self) -> I16:
        """The rest, after the last piece; begins anew afterwards."""
        total = (self._taken * RATE + self.rate // 2) // self.rate
        self._kept = np.concatenate([self._kept, np.zeros(2 * self._half + 2, np.float32)])
        rest = self._out(total)
        self._given = self._taken = 0
        self._kept = np.zeros(self._half - 1, np.float32)
        self._first = 1 - self._half
        return rest

    def _out(self, until: int) -> I16:
        parts = [
            self._some(start, min(until, start + _CHUNK))
            for start in range(self._given, until, _CHUNK)
        ]
        self._given = max(self._given, until)
        needed = self._given * self._down // self._up - self._half + 1
        drop = min(max(0, needed - self._first), len(self._kept))
        self._kept = self._kept[drop:].copy()
        self._first += drop
        mono = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        return np.repeat(mono[:, None], CHANNELS, axis=1)

    def _some(self, start: int, stop: int) -> I16:
        if self._up == self._down:
            at = start - self._first
            return self._kept[at : at + stop - start].astype(np.int16)
        places = np.arange(start, stop, dtype=np.int64) * self._down
        whole, phase = places // self._up, places % self._up
        count = len(self._filters) - 1
        if self._up != count:
            phase = (phase * count + self._up // 2) // self._up
        begins = whole - self._half + 1 - self._first
        windows = np.lib.stride_tricks.sliding_window_view(self._kept, 2 * self._half)
        sound = np.einsum("ij,ij->i", windows[begins], self._filters[phase])
        samples: I16 = np.rint(np.clip(sound, -32768, 32767)).astype(np.int16)
        return samples


def to_48k(pcm: I16, rate: int) -> I16:
    """A whole piece at once: int16 (count,) to int16 (round(count * 48,000 / rate), 2)."""
    resampler = Resampler(rate)
    return np.concatenate([resampler.push(pcm), resampler.flush()])


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> tuple[NDArray[np.float32], int]:
    """Filters by phase, (phases + 1, 2 * half), and half their length in input samples."""
    band = _ROLL_OFF * min(1.0, up / down)
    half = int(np.ceil(_ZEROS / band))
    phases = min(up, _PHASES)
    offsets = np.arange(-half + 1, half + 1)[None, :] - np.arange(phases + 1)[:, None] / phases
    inside = np.clip(1.0 - (offsets / half) ** 2, 0.0, 1.0)
    filters = band * np.sinc(band * offsets) * np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    # Each phase lets a constant through as it is: else there would be a hum at the phases' rate.
    filters /= filters.sum(axis=1, keepdims=True)
    return filters.astype(np.float32), half
