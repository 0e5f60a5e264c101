"""A matte that came with the picture: made small for the stages, and ready for the composite.

The composite takes such a matte as the guide of one whose coefficients are alpha = guide / 255
wherever the guide can be above 0, and 0 elsewhere, so that it skips what shows nobody.
"""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.matte import ALL, I64, NONE, SOME, Cells, Matte
from appliance.pixels.cpu.rows import copy_row

_ROWS = 90
"""Of the small matte of a wide picture: 8 pixels a cell at 1280x720."""
_LEAST_CELL = 2


def given_grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the small matte over a picture of this size, nearly square cells."""
    cell = max(_LEAST_CELL, min(width, height) / _ROWS)
    return max(1, round(height / cell)), max(1, round(width / cell))


@kernel("void(uint8[:, :], int64[::1], int64[::1], float32[:, ::1], uint8[:, ::1])")
def _shrink(alpha: U8, tops: I64, lefts: I64, small: F32, kinds: U8) -> None:
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
            total = np.int64(0)
            for x in range(left, right):
                total += np.int64(sums[x])
            most = 255 * (tops[k + 1] - tops[k]) * (right - left)
            small[k, c] = np.float32(total) / np.float32(most)
            kinds[k, c] = NONE if total == 0 else ALL if total == most else SOME


def _bounds(length: int, cells: int) -> I64:
    """Where each cell begins, and the last one ends: even, so that none cuts a chroma sample."""
    edges = np.round(np.arange(cells + 1) * (length / cells / 2)) * 2
    edges[-1] = length
    return np.asarray(edges, np.int64)


@inline
def _run(kinds: U8, k: int, start: int) -> int:
    """Where the run of cells of one kind ends that begins at column ``start`` of row ``k``."""
    end = start + 1
    while end < kinds.shape[1] and kinds[k, end] == kinds[k, start]:
        end += 1
    return end


@inline
def _over_row(front: U8, behind: U8, alpha: U8, out: U8) -> None:
    for i in range(front.shape[0]):
        under = np.float32(behind[i])
        share = np.float32(alpha[i]) * np.float32(1 / 255)
        out[i] = np.uint8(
            np.int32(under + share * (np.float32(front[i]) - under) + np.float32(0.5))
        )


@inline
def _over_pairs(front: U8, behind: U8, upper: U8, lower: U8, out: U8) -> None:
    """Cb and Cr in turns; alpha of each is the mean of the four pixels that it is for."""
    for i in range(front.shape[0] // 2):
        four = np.int32(upper[2 * i]) + np.int32(upper[2 * i + 1])
        four += np.int32(lower[2 * i]) + np.int32(lower[2 * i + 1])
        share = np.float32(four) * np.float32(1 / 1020)
        for j in range(2 * i, 2 * i + 2):
            under = np.float32(behind[j])
            out[j] = np.uint8(
                np.int32(under + share * (np.float32(front[j]) - under) + np.float32(0.5))
            )


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :],"
    "uint8[:, :], uint8[:, ::1], int64[::1], int64[::1])"
)
def _lay(
    fg_y: U8, fg_uv: U8, alpha: U8, bg_y: U8, bg_uv: U8, out_y: U8, out_uv: U8, kinds: U8,
    tops: I64, lefts: I64,
) -> None:  # fmt: skip
    for k in range(kinds.shape[0]):
        start = 0
        while start < kinds.shape[1]:
            kind, end = kinds[k, start], _run(kinds, k, start)
            a, b, start = lefts[start], lefts[end], end
            if kind == NONE:
                continue
            for y in range(tops[k], tops[k + 1], 2):
                pair = y // 2
                if kind == ALL:
                    copy_row(fg_y[y, a:b], out_y[y, a:b])
                    copy_row(fg_y[y + 1, a:b], out_y[y + 1, a:b])
                    copy_row(fg_uv[pair, a:b], out_uv[pair, a:b])
                    continue
                _over_row(fg_y[y, a:b], bg_y[y, a:b], alpha[y, a:b], out_y[y, a:b])
                _over_row(fg_y[y + 1, a:b], bg_y[y + 1, a:b], alpha[y + 1, a:b], out_y[y + 1, a:b])
                _over_pairs(
                    fg_uv[pair, a:b], bg_uv[pair, a:b], alpha[y, a:b], alpha[y + 1, a:b],
                    out_uv[pair, a:b],
                )  # fmt: skip


def lay_given(frame: Frame, background: Frame, alpha: U8, cells: Cells, out: Frame) -> None:
    """a*F + (1-a)*B, in ``out``, which holds the background already.

    Args:
        frame, background, out: NV12 of one even size. alpha: uint8 (height, width), 0..255.
        cells: of this alpha. Most of them hold all or nothing, and are copied or left alone.
    """
    _lay(
        frame.y, frame.uv_rows, alpha, background.y, background.uv_rows, out.y, out.uv_rows,
        cells.kinds, cells.tops, cells.lefts,
    )  # fmt: skip


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
        self._cells = Cells(
            np.zeros((rows, columns), np.uint8), _bounds(height, rows), _bounds(width, columns)
        )
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
        cells = self._cells
        _shrink(alpha, cells.tops, cells.lefts, self.small, cells.kinds)
        self.somebody = bool(cells.kinds.any())
        # A pixel lies between its cell's centre and a neighbour's: both must let it through.
        reach = cv2.dilate(cells.kinds, self._box) != NONE
        np.multiply(reach, np.float32(1 / 255), out=self.coefficients[0])

    def matte(self, alpha: U8) -> Matte:
        """What is composited, of what ``take`` took last."""
        return Matte(self.rect, self.coefficients, False, 0.0, alpha, self._cells)
