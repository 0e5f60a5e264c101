"""The One-Euro filter: a low-pass whose cutoff rises with speed: calm at rest, quick in motion.

Casiez, Roussel and Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems", CHI 2012, algorithm 1.
"""

from __future__ import annotations

import math

import numpy as np

from appliance.media.frame import F32

_SPEED_CUTOFF_HZ = 1.0


class OneEuro:
    """Filters an array of values, each for itself."""

    def __init__(self, cutoff_hz: float, per_speed: float) -> None:
        """``cutoff_hz``: at rest. ``per_speed``: what each unit a second adds to it, hertz."""
        self._cutoff, self._per_speed = cutoff_hz, per_speed
        self._value: F32 | None = None
        self._speed: F32 | None = None

    def reset(self) -> None:
        """Forget: the next values come out as they go in."""
        self._value = self._speed = None

    def __call__(self, values: F32, seconds: float) -> F32:
        """The values, float32, filtered; ``seconds`` since the last ones.

        Without a time between them (0 or less), the last result stands.
        """
        if self._value is None or self._speed is None:
            self._value, self._speed = values.copy(), np.zeros_like(values)
            return self._value
        if not seconds > 0:
            return self._value
        speed = (values - self._value) / np.float32(seconds)
        by = np.float32(_share(_SPEED_CUTOFF_HZ, seconds))
        self._speed = self._speed + by * (speed - self._speed)
        cutoff = self._cutoff + self._per_speed * np.abs(self._speed)
        share = 1 / (1 + 1 / (2 * math.pi * cutoff * seconds))
        self._value = (self._value + share * (values - self._value)).astype(np.float32)
        return self._value


def _share(cutoff_hz: float, seconds: float) -> float:
    """How much of a new value a first-order low-pass takes (equation 3 there)."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * seconds))
