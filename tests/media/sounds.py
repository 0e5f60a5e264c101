"""Sounds for tests, and what is to be heard in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.media.audio import RATE

I16 = NDArray[np.int16]
F64 = NDArray[np.float64]


def sine(count: int, first: int = 0, *, hertz: float = 1000.0, peak: float = 20_000.0) -> I16:
    """A tone on both channels, that goes on from sample ``first``."""
    turn = 2 * np.pi * hertz / RATE * np.arange(first, first + count)
    return np.repeat(np.rint(peak * np.sin(turn)).astype(np.int16)[:, None], 2, 1)


def clicks(samples: I16 | F64, *, hertz: float = 1000.0, peak: float = 20_000.0) -> float:
    """The sharpest corner, in terms of a tone's own sharpest: a click has several times as much.

    A tone a sin(wn) has no second difference above a (2 - 2 cos w).
    """
    own = peak * (2 - 2 * np.cos(2 * np.pi * hertz / RATE))
    corners = np.diff(np.asarray(samples, np.float64), 2, axis=0)
    return float(np.abs(corners).max() / own)


def onsets(channel: I16 | F64, above: float, quiet: int = RATE // 10) -> list[int]:
    """Where something louder than ``above`` begins after at least ``quiet`` samples without."""
    at = np.flatnonzero(np.abs(channel) > above)
    return [int(at[k]) for k in range(len(at)) if k == 0 or at[k] - at[k - 1] > quiet]
