"""How far an alpha lets the room through, and whether it has the shape of people at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32
from appliance.pixels.cpu.jit import inline, kernel

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


@inline
def _clip(alpha: F32, y: int, out: F32, to: int) -> None:
    for i in range(np.uint64(alpha.shape[1])):
        out[to, i] = min(max(alpha[y, i], _ZERO), _ONE)


@kernel("UniTuple(float64, 4)(float32[:, ::1])")
def _measure(alpha: F32) -> tuple[float, float, float, float]:
    rows, columns = alpha.shape
    count, one = np.uint64(columns), np.uint64(1)
    lines = np.empty((2, columns), np.float32)
    shows, undecided, odd, outline = 0, 0, 0, 0.0
    _clip(alpha, 0, lines, 0)
    for y in range(rows):
        now, then = y & 1, 1 - (y & 1)
        visible, between, infinite, rise = np.int32(0), np.int32(0), np.int32(0), _ZERO
        for i in range(count):
            # Neither NaN nor infinity is 0 times 0.
            infinite += np.int32(alpha[y, i] * _ZERO != _ZERO)
        for i in range(count):
            visible += np.int32(lines[now, i] > _SHOWS)
        for i in range(count):
            between += np.int32((lines[now, i] > _LOW) & (lines[now, i] < _HIGH))
        for i in range(count - one):
            rise += abs(lines[now, i] - lines[now, i + one])
        if y + 1 < rows:
            _clip(alpha, y + 1, lines, then)
            for i in range(count):
                rise += abs(lines[now, i] - lines[then, i])
        shows, undecided, odd = shows + int(visible), undecided + int(between), odd + int(infinite)
        outline += float(rise)
    return float(shows), float(undecided), outline, float(odd)


def measure_cover(alpha: F32) -> Cover:
    """The figures of an alpha float32 (rows, columns), any values."""
    shows, undecided, outline, odd = _measure(np.ascontiguousarray(alpha))
    pixels = alpha.size
    return Cover(shows / pixels, undecided / pixels, outline / math.sqrt(pixels), odd == 0)
