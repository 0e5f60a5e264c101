"""Parts of the composite's kernels: what they do with one row of pixels."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.jit import inline
from appliance.pixels.cpu.matte import I32


@inline
def between(line: float, lines: int, rows: int) -> tuple[int, int, np.float32]:
    """The two grid rows around a line (pixel centres at .5), and the weight of the second."""
    p = np.float32(line) * np.float32(rows) / np.float32(lines) - np.float32(0.5)
    p = min(max(p, np.float32(0)), np.float32(rows - 1))
    first = min(int(p), max(rows - 2, 0))
    return first, min(first + 1, rows - 1), np.float32(p - np.float32(first))


@inline
def reached_by_pair(line: int, lines: int, spans: I32, width: int) -> tuple[int, int]:
    """The columns where the grid's rows around a line and the next hold more than background.

    ``spans``: int32 (grid rows, 2), see ``reached``. The first is not below the last for none.
    """
    first, _, _ = between(line + 0.5, lines, spans.shape[0])
    _, last, _ = between(line + 1.5, lines, spans.shape[0])
    left, right = width, 0
    for r in range(first, last + 1):
        left, right = min(left, spans[r, 0]), max(right, spans[r, 1])
    return left, right


# max(0, x), in this order: with a NaN it is 0, so where alpha is none, there is nobody.
# Each row takes several short passes over few arrays: compilers vectorise a loop only if it needs
# few checks that its arrays do not overlap. The rows stay in the first-level cache.
@inline
def alpha_row(
    luma: U8,
    a0: F32,
    a1: F32,
    b0: F32,
    b1: F32,
    t: np.float32,
    gain: np.float32,
    floor: np.float32,
    out: F32,
) -> None:
    """Alpha of one row, 0..1: a*Y + b, a and b a mix of two grid rows, then levels."""
    for i in range(luma.shape[0]):
        alpha = (a0[i] + t * (a1[i] - a0[i])) * np.float32(luma[i]) + (b0[i] + t * (b1[i] - b0[i]))
        out[i] = min(max(np.float32(0), alpha * gain - floor), np.float32(1))


@inline
def weigh_row(alpha: F32, fx: F32, fy: float, out: F32) -> None:
    """Alpha times the feather."""
    for i in range(alpha.shape[0]):
        out[i] = alpha[i] * (fx[i] * fy)


@inline
def blend_row(
    fg: U8, bg: U8, alpha: F32, weight: F32, d0: F32, d1: F32, t: np.float32, out: U8
) -> None:
    """One row of one plane: the person, F-B put right, over what is behind."""
    for i in range(fg.shape[0]):
        behind = np.float32(bg[i])
        shift = (np.float32(1) - alpha[i]) * (d0[i] + t * (d1[i] - d0[i]))
        front = min(max(np.float32(0), np.float32(fg[i]) + shift), np.float32(255))
        out[i] = np.uint8(np.int32(behind + weight[i] * (front - behind) + np.float32(0.5)))


@inline
def quarter_row(upper: F32, lower: F32, out: F32) -> None:
    """The mean of each 2x2 block of two rows, written twice: once for Cb and once for Cr."""
    for i in range(out.shape[0] // 2):
        mean = (upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1]) * (
            np.float32(0.25)
        )
        out[2 * i] = mean
        out[2 * i + 1] = mean


@inline
def byte_row(weight: F32, out: U8) -> None:
    """0..1 as 0..255."""
    for i in range(weight.shape[0]):
        out[i] = np.uint8(np.int32(weight[i] * np.float32(255) + np.float32(0.5)))


@inline
def front_row(fg: U8, alpha: F32, d0: F32, d1: F32, t: np.float32, out: U8) -> None:
    """One row of one plane: the person's own colour, F-B put right where alpha is below 1."""
    for i in range(fg.shape[0]):
        shift = (np.float32(1) - alpha[i]) * (d0[i] + t * (d1[i] - d0[i]))
        front = min(max(np.float32(0), np.float32(fg[i]) + shift), np.float32(255))
        out[i] = np.uint8(np.int32(front + np.float32(0.5)))


@inline
def over_row(fg: U8, bg: U8, weight: F32, out: U8) -> None:
    """One row of one plane: the person over what is behind."""
    for i in range(fg.shape[0]):
        behind = np.float32(bg[i])
        out[i] = np.uint8(
            np.int32(behind + weight[i] * (np.float32(fg[i]) - behind) + np.float32(0.5))
        )


@inline
def copy_row(row: U8, out: U8) -> None:
    """As it is."""
    for i in range(row.shape[0]):
        out[i] = row[i]
