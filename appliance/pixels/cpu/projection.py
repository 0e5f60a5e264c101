"""Alpha's projection onto the horizontal axis: how much of the person stands in each column."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32


def column_sums(alpha: F32) -> F32:
    """The sum of each column of alpha, float32 (columns,), from float32 (rows, columns)."""
    return np.asarray(alpha.sum(axis=0, dtype=np.float32), np.float32)
