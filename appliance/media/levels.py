"""How loud sound is made, without a click, and how loud it is."""

from __future__ import annotations

import math

import numpy as np

from appliance.media.audio import CHANNELS, I16, RATE

RAMP = RATE // 100
"""Samples that a gain takes from the louder of two to silence, or back; less in between."""
QUIETEST_DB = -100.0
"""What is reported for silence."""

_FULL = 32768.0


def gain_of(decibels: float) -> float:
    """The factor for a change in decibels: 10^(dB / 20)."""
    return float(10 ** (decibels / 20))


def decibels(level: float) -> float:
    """A level of 1 for full scale as dBFS, no less than ``QUIETEST_DB``."""
    return max(QUIETEST_DB, 20 * math.log10(level)) if level > 0 else QUIETEST_DB


class Gain:
    """A gain that moves from one value to another in 10 ms; what is too loud is clipped, counted.

    Attributes:
        clipped: samples, of either channel, that were too loud for 16 bits.
    """

    def __init__(self) -> None:
        self.clipped = 0
        self._now: float | None = None

    def apply(self, samples: I16, gain: float) -> I16:
        """The samples with the gain, which the first ones still move to; the very first has it."""
        now = gain if self._now is None else self._now
        if now == gain == 1.0:
            self._now = gain
            return samples
        by = np.full((1, 1), gain)
        if now != gain:
            # A straight line, as steep in every block, so that it may go on in the next one.
            most = np.arange(1, len(samples) + 1) * (max(1.0, now, gain) / RAMP)
            by = (now + np.clip(gain - now, -most, most))[:, None]
            now = float(by[-1, 0]) if len(samples) else now
        self._now = now
        made = np.rint(samples * by)
        self.clipped += int(np.count_nonzero((made > 32767) | (made < -32768)))
        whole: I16 = made.clip(-32768, 32767).astype(np.int16)
        return whole


class Meter:
    """The level of what goes out: the loudest sample and the mean power of the last 400 ms."""

    _WINDOW = RATE * 4 // 10

    def __init__(self) -> None:
        self._peak = self._peak_now = 0.0
        self._mean = self._power = 0.0
        self._count = 0

    def add(self, samples: I16) -> None:
        """Take in what goes out."""
        if len(samples) == 0:
            return
        level = samples.astype(np.float32) / _FULL
        self._peak_now = max(self._peak_now, float(np.abs(level).max()))
        self._power += float(np.square(level).sum()) / CHANNELS
        self._count += len(samples)
        if self._count >= self._WINDOW:
            self._peak, self._mean = self._peak_now, self._power / self._count
            self._peak_now = self._power = 0.0
            self._count = 0

    @property
    def peak_db(self) -> float:
        """The loudest sample, dBFS."""
        return decibels(self._peak)

    @property
    def level_db(self) -> float:
        """The mean power, dBFS where a sine at full scale has 0 (AES17)."""
        return decibels(math.sqrt(2 * self._mean))
