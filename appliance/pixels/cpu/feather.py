"""The feather: the weight ramp of a pasted patch, computed from coordinates."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32


def feather(n: int, ramp: float, *, start: bool = True, end: bool = True) -> F32:
    """Weights of one axis: ``min(1, i/d, (n-1-i)/d)`` for i = 0..n-1, float32 in 0..1.

    0 on the outermost pixel, 1 from ``ramp`` pixels inwards; ``ramp`` 0 is a hard edge (all 1).
    A ramp of more than half the axis gives a tent that stays below 1. ``start`` and ``end`` say
    which ends have a ramp: a side at the frame's own border must not fade, since the person goes
    on beyond it.

    Raises:
        ValueError: ``n`` below 1, or ``ramp`` negative or not finite.
    """
    if n < 1:
        raise ValueError(f"a patch of {n} pixels: expected at least 1")
    if not 0 <= ramp < float("inf"):
        raise ValueError(f"a ramp of {ramp} pixels: expected 0 or more")
    weights = np.ones(n, np.float32)
    if ramp == 0:
        return weights
    i = np.arange(n, dtype=np.float32)
    if start:
        np.minimum(weights, i / np.float32(ramp), out=weights)
    if end:
        np.minimum(weights, (n - 1 - i) / np.float32(ramp), out=weights)
    return weights
