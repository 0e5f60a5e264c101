"""Tiles: the alphas of several parts of a frame, put together on one grid."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from appliance.media.frame import F32, Rect
from appliance.pixels.cpu.steady import resample

_FINEST = 4


def samples(grid: tuple[int, int], covered: Rect, shape: tuple[int, int], target: Rect) -> int:
    """How many samples a side the mean of one pixel is taken of: 1 to 4.

    As many as pixels of ``grid`` (rows, columns) over ``covered`` fall on one of ``shape`` over
    ``target``: fewer would make edges flicker as the parts move against each other.
    """
    down = target.height / shape[0] * grid[0] / covered.height
    across = target.width / shape[1] * grid[1] / covered.width
    return min(max(round(max(down, across)), 1), _FINEST)


def join_tiles(tiles: Sequence[tuple[F32, Rect]], target: Rect, shape: tuple[int, int]) -> F32:
    """The largest alpha that any tile gives, float32 ``shape`` (rows, columns) over ``target``.

    Args:
        tiles: alpha, float32 (rows, columns), and the part of the frame that it covers, in frame
            pixels. Where none does, the result is 0.
        target: the part of the frame that the result covers.
    """
    rows, columns = shape
    joined = np.zeros(shape, np.float32)
    for alpha, covered in tiles:
        count = samples(alpha.shape, covered, shape, target)
        fine = resample(alpha, covered, target, (count * rows, count * columns), 0.0)
        if count > 1:
            fine = np.asarray(cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA))
        np.maximum(joined, fine, out=joined)
    return joined
