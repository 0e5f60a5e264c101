"""A matte that came with the picture: made small for the stages, and ready for the composite.

The composite takes such a matte as the guide of one whose coefficients are alpha = guide / 255
wherever the guide can be above 0, and 0 elsewhere, so that it skips what shows nobody.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.matte import Matte

I64 = NDArray[np.int64]

_ROWS = 90
"""Of the small matte of a wide picture: 8 pixels a cell at 1280x720."""
_LEAST_CELL = 2


def given_grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the small matte over a picture of this size, nearly square cells."""
    cell = max(_LEAST_CELL, min(width, height) / _ROWS)
    return max(1, round(height / cell)), max(1, round(width / cell))


@kernel("void(uint8[:, :], int64[::1], int64[::1], float32[:, ::1], uint8[:, ::1])")
def _shrink(alpha: U8, tops: I64, lefts: I64, small: F32, there: U8) -> None:
    rows, columns = small.shape
    sums = np.empty(alpha.shape[1], np.uint32)
    for k in range(rows):
        sums[:] = np.uint32(0)
        for y in range(tops[k], tops[k + 1]):
            row = alpha[y]
            for x in range(row.shape[0]):
                sums[x] += np.uint32(row[x])
        for c in range(columns):
            left, right = lefts[c], lefts[c + 1]
            total = np.uint32(0)
            for x in range(left, right):
                total += sums[x]
            many = (tops[k + 1] - tops[k]) * (right - left)
            small[k, c] = np.float32(total) / (np.float32(255) * np.float32(many))
            there[k, c] = np.uint8(1) if total > 0 else np.uint8(0)


def _bounds(length: int, cells: int) -> I64:
    """Where each cell begins, and the last one ends: pixels belong where their centres lie."""
    edges = np.ceil(np.arange(cells + 1) * (length / cells) - 0.5)
    edges[-1] = length
    return np.asarray(edges, np.int64)


class GivenMatte:
    """Mattes of one size as the stages and the composite take them; keeps their memory."""

    def __init__(self, width: int, height: int, grid: tuple[int, int] | None = None) -> None:
        """``grid``: rows and columns of the small matte; None: as ``given_grid`` says."""
        rows, columns = grid or given_grid(width, height)
        self.rect = Rect(0, 0, width, height)
        self.small: F32 = np.zeros((rows, columns), np.float32)
        """Alpha of each cell, 0..1: the mean of its pixels."""
        self.coefficients: F32 = np.zeros((5, rows, columns), np.float32)
        """See ``Matte``; they are applied to alpha, not to luma."""
        self.somebody = False
        """Whether any pixel is above 0."""
        self._there = np.zeros((rows, columns), np.uint8)
        self._tops, self._lefts = _bounds(height, rows), _bounds(width, columns)
        self._box = np.ones((3, 3), np.uint8)

    def take(self, alpha: U8) -> None:
        """Make ``small`` and ``coefficients`` of alpha, uint8 (height, width), 0..255.

        Raises ValueError when it is of another size or kind.
        """
        wanted = (self.rect.height, self.rect.width)
        if alpha.shape != wanted or alpha.dtype != np.uint8:
            raise ValueError(
                f"a matte of {alpha.dtype} {'x'.join(map(str, alpha.shape[::-1]))}, expected "
                f"uint8 {wanted[1]}x{wanted[0]}, as the picture is"
            )
        _shrink(alpha, self._tops, self._lefts, self.small, self._there)
        self.somebody = bool(self._there.any())
        # A pixel lies between its cell's centre and a neighbour's: both must let it through.
        reach = cv2.dilate(self._there, self._box)
        np.multiply(reach, np.float32(1 / 255), out=self.coefficients[0])

    def matte(self, alpha: U8) -> Matte:
        """What is composited, of what ``take`` took last."""
        return Matte(self.rect, self.coefficients, False, 0.0, alpha)
