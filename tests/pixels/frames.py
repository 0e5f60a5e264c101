"""Frames for the pixel tests: noise at any size and pitch."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import Colour, Frame


def noise(width: int, height: int, seed: int, pad: int = 0, colour: Colour | None = None) -> Frame:
    """A frame of noise whose rows are ``pad`` bytes longer than its picture."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 256, (height, width + pad), np.uint8)[:, :width]
    rows, columns = (height + 1) // 2, (width + 1) // 2
    uv = rng.integers(0, 256, (rows, 2 * columns + pad), np.uint8)[:, : 2 * columns]
    return Frame(y, uv.reshape(rows, columns, 2), colour or Colour())
