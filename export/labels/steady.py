"""Labels solved frame by frame flicker; where the picture holds still, so does the truth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from export.images import FloatImage, UInt8Image

REACH = 2  # frames looked at before and after


def _motion(frames: Sequence[UInt8Image]) -> list[FloatImage]:
    """Box-filtered |Y_t - Y_{t-1}|, float32 (h, w), for t = 1 .. n-1."""
    lumas = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32) for frame in frames]
    return [
        np.asarray(cv2.blur(np.abs(now - before), (9, 9)), np.float32)
        for before, now in pairwise(lumas)
    ]


def steady_labels(
    frames: Sequence[UInt8Image],
    alphas: Sequence[UInt8Image],
    low: float = 4.0,
    high: float = 9.0,
) -> list[UInt8Image]:
    """Alphas uint8 (h, w) with a median over five frames where nothing moved in all of them.

    `frames` are consecutive, BGR uint8 (h, w, 3). Motion below `low` grey levels takes the
    median, above `high` the frame's own label, between them a blend.
    """
    motion = _motion(frames)
    result: list[UInt8Image] = []
    for number, alpha in enumerate(alphas):
        first, last = max(0, number - REACH), min(len(alphas) - 1, number + REACH)
        if last == first:
            result.append(alpha)
            continue
        most = np.maximum.reduce(motion[first:last])
        weight = np.clip((most - low) / (high - low), 0, 1)
        still = np.median(np.stack(alphas[first : last + 1]), axis=0)
        result.append(np.round(weight * alpha + (1 - weight) * still).astype(np.uint8))
    return result
