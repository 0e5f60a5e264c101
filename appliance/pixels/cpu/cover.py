"""How far an alpha lets the room through, and whether it has the shape of people at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32
from appliance.pixels.cpu.jit import kernel

# kernels/components.cuh has the same.
_SHOWS, _LOW, _HIGH = np.float32(0.05), np.float32(0.1), np.float32(0.9)
_ZERO, _ONE = np.float32(0), np.float32(1)


@dataclass(frozen=True, slots=True)
class Cover:
    """What an alpha, clipped to 0..1, amounts to.

    Attributes:
        shows: the share of pixels that let the room through, alpha above 0.05.
        undecided: the share that is neither background nor person, alpha between 0.1 and 0.9.
        outline: the length of all outlines (total variation, both directions) in units of the
            side of a square as large as the grid. Measured, 0.25 to 8 for people, in groups too;
            a checkerboard of single pixels has 400 on a grid of 288x160.
        finite: False with NaN or infinity in it; the other figures then mean nothing.
    """

    shows: float
    undecided: float
    outline: float
    finite: bool


# Each row takes several passes over few arrays: so they become vector code.
@kernel("UniTuple(float64, 4)(float32[:, ::1])")
def _measure(alpha: F32) -> tuple[float, float, float, float]:
    rows, columns = alpha.shape
    shows, undecided, odd, outline = 0, 0, 0, 0.0
    both = np.empty((2, columns), np.float32)
    for y in range(rows):
        line, row, above = alpha[y], both[y & 1], both[(y & 1) ^ 1]
        some, between, finite = np.int32(0), np.int32(0), np.int32(0)
        for x in range(columns):
            v = line[x]
            # Of NaN and infinity the difference is NaN.
            finite += np.int32(v - v == _ZERO)
            v = min(max(v, _ZERO), _ONE)
            row[x] = v
            some += np.int32(v > _SHOWS)
            between += np.int32(v > _LOW) & np.int32(v < _HIGH)
        shows += int(some)
        undecided += int(between)
        odd += columns - int(finite)
        length = _ZERO
        for x in range(columns - 1):
            length += abs(row[x] - row[x + 1])
        if y > 0:
            for x in range(columns):
                length += abs(row[x] - above[x])
        outline += float(length)
    return float(shows), float(undecided), outline, float(odd)


def measure_cover(alpha: F32) -> Cover:
    """The figures of an alpha float32 (rows, columns), any values."""
    shows, undecided, outline, odd = _measure(np.ascontiguousarray(alpha))
    pixels = alpha.size
    return Cover(shows / pixels, undecided / pixels, outline / math.sqrt(pixels), odd == 0)
