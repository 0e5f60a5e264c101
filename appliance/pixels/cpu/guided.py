"""Refine: the fast guided filter's coefficients, and the colour that soft pixels should lose.

Where alpha is 0 or 1 as far as windows reach, the results are known; most of a grid is that.
"""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.windows import (
    ALL,
    BAND,
    CELL,
    FULL,
    LITTLE,
    NONE,
    across,
    agree,
    load,
    pitch_of,
    reflected,
    slide,
    survey,
)

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_LEAST = np.float32(1e-3)
_END = np.uint8(255)


@inline
def _moments(raw: F32, pitch: int, lines: F32, line: int) -> None:
    """I, p, I*p and I*I, with I in -0.5..0.5: its variance is the same, and more exact."""
    count, p = np.uint64(pitch), np.uint64(pitch)
    both, square = np.uint64(2 * pitch), np.uint64(3 * pitch)
    for i in range(count):
        lines[line, i] = raw[i] * np.float32(1 / 255) - _HALF
    for i in range(count):
        lines[line, p + i] = raw[p + i]
    for i in range(count):
        lines[line, both + i] = lines[line, i] * raw[p + i]
    for i in range(count):
        lines[line, square + i] = lines[line, i] * lines[line, i]


@inline
def _solve(total: F32, pitch: int, norm: np.float32, epsilon: np.float32, ab: F32) -> None:
    count, p = np.uint64(pitch), np.uint64(pitch)
    both, square = np.uint64(2 * pitch), np.uint64(3 * pitch)
    for i in range(count):
        mean_i, mean_p = total[i] * norm, total[p + i] * norm
        covariance = total[both + i] * norm - mean_i * mean_p
        ab[i] = covariance / (total[square + i] * norm - mean_i * mean_i + epsilon)
    for i in range(count):
        ab[p + i] = total[p + i] * norm - ab[i] * (total[i] * norm + _HALF)


@inline
def _store(row: F32, at: int, factor: np.float32, out: F32, k: int, y: int, x: int, n: int) -> None:
    begin, start = np.uint64(at), np.uint64(x)
    for i in range(np.uint64(n)):
        out[k, y, start + i] = row[begin + i] * factor


@inline
def _fill(out: F32, k: int, top: int, bottom: int, start: int, end: int, value: np.float32) -> None:
    for y in range(top, bottom):
        for i in range(np.uint64(start), np.uint64(end)):
            out[k, y, i] = value


@kernel(
    "void(float32[:, :, ::1], float32[:, :, ::1], uint8[:, ::1], int64, float32,float32[:, :, ::1])"
)
def _guided(
    luma: F32, alpha: F32, marks: U8, radius: int, epsilon: np.float32, out: F32
) -> None:  # fmt: skip
    _, rows, columns = luma.shape
    side, reach, cells = 2 * radius + 1, 2 * radius, (columns + CELL - 1) // CELL
    height = max(BAND, radius)
    norm = _ONE / np.float32(side * side)
    # With room for what ``across`` reads beyond a run.
    length = 4 * pitch_of(columns + 2 * radius) + 2 * side
    lines = np.empty((height + 2 * radius, length), np.float32)
    raw, sums = np.zeros(length, np.float32), np.zeros(length, np.float32)
    total, part = np.empty(length, np.float32), np.zeros((2, length), np.float32)
    ab = np.empty(length, np.float32)
    mean = np.empty((2, rows, columns), np.float32)
    kinds = np.full(((rows + height - 1) // height, cells + 1), _END, np.uint8)
    for band in range(kinds.shape[0]):
        for cell in range(cells):
            top, start = band * height, cell * CELL
            same = agree(
                marks, top - reach, top + height + reach, start - reach, start + CELL + reach
            )
            kinds[band, cell] = same & (NONE | ALL)
    for means in range(2):
        for top in range(0, rows, height):
            bottom, begun = min(top + height, rows), 0
            for cell in range(1, cells + 1):
                kind = kinds[top // height, cell - 1]
                if kinds[top // height, cell] == kind:
                    continue
                start, end = begun, min(cell * CELL, columns)
                begun = end
                into = out if means else mean
                if kind:
                    for k in range(2):
                        value = _ONE if k and kind == ALL else _ZERO
                        _fill(into, k, top, bottom, start, end, value)
                    continue
                inner, left = end - start, start - radius
                width = inner + 2 * radius
                pitch, planes = pitch_of(width), 2 if means else 4
                for j in range(bottom - top + 2 * radius):
                    row = reflected(top - radius + j, rows)
                    for k in range(2):
                        source = mean if means else (alpha if k else luma)
                        load(source, k * means, row, left, width, raw, k * pitch)
                    if means:
                        for i in range(np.uint64(2 * pitch)):
                            lines[j, i] = raw[i]
                    else:
                        _moments(raw, pitch, lines, j)
                for y in range(bottom - top):
                    slide(lines, y, side, planes * pitch, sums)
                    across(sums, side, planes * pitch, part, total)
                    if not means:
                        _solve(total, pitch, norm, epsilon, ab)
                    row_of = total if means else ab
                    for k in range(2):
                        # The slope is for luma in 0..255.
                        factor = (norm if k else norm / np.float32(255)) if means else _ONE
                        _store(row_of, k * pitch, factor, into, k, top + y, start, inner)


def guided_coefficients(
    luma: F32, alpha: F32, radius: int, epsilon: float, out: F32, marks: U8 | None = None
) -> None:  # fmt: skip
    """Coefficients (a, b) such that the refined alpha is ``a * Y + b``, Y in 0..255 at any size.

    He, Sun and Tang, "Guided Image Filtering", ECCV 2010, equations 5, 6 and 8; computed at the
    network's grid and applied at full size: He and Sun, "Fast Guided Filter", 2015.

    Args:
        luma: float32 (rows, columns), 0..255, the guide.
        alpha: float32, same shape, 0..1.
        radius: of the box window, pixels. epsilon: a variance of luma, with luma in 0..1.
        out: float32 (2, rows, columns), contiguous: a and b.
        marks: ``survey(alpha)``, if it is at hand.
    """
    alpha = np.ascontiguousarray(alpha)
    _guided(
        np.ascontiguousarray(luma)[None], alpha[None], survey(alpha) if marks is None else marks,
        radius, np.float32(epsilon), out,
    )  # fmt: skip


@inline
def _weigh(raw: F32, pitch: int, lines: F32, line: int) -> None:
    """F = alpha^4, g = (1-alpha)^4, then f and g times Y, Cb and Cr."""
    count, rest = np.uint64(pitch), np.uint64(pitch)
    for i in range(count):
        square = raw[i] * raw[i]
        lines[line, i] = square * square
    for i in range(count):
        square = (_ONE - raw[i]) * (_ONE - raw[i])
        lines[line, rest + i] = square * square
    for c in range(3):
        plane = np.uint64((1 + c) * pitch)
        front, back = np.uint64((2 + c) * pitch), np.uint64((5 + c) * pitch)
        for i in range(count):
            lines[line, front + i] = lines[line, i] * raw[plane + i]
        for i in range(count):
            lines[line, back + i] = lines[line, rest + i] * raw[plane + i]


@inline
def _differ(
    total: F32, pitch: int, least: np.float32, out: F32, y: int, x: int, n: int
) -> None:  # fmt: skip
    """F - B of a run; f and g in ``total`` become what their sums are to be multiplied by."""
    rest, start = np.uint64(pitch), np.uint64(x)
    for i in range(np.uint64(pitch)):
        both = total[i] > least and total[rest + i] > least
        total[i] = _ONE / total[i] if both else _ZERO
        total[rest + i] = _ONE / total[rest + i] if both else _ZERO
    for c in range(3):
        front, back = np.uint64((2 + c) * pitch), np.uint64((5 + c) * pitch)
        for i in range(np.uint64(n)):
            out[c, y, start + i] = total[front + i] * total[i] - total[back + i] * total[rest + i]


@kernel("void(float32[:, :, ::1], float32[:, :, ::1], uint8[:, ::1], int64, float32[:, :, ::1])")
def _shift(planes: F32, alpha: F32, marks: U8, radius: int, out: F32) -> None:
    _, rows, columns = alpha.shape
    side, cells, height = 2 * radius + 1, (columns + CELL - 1) // CELL, max(BAND, radius)
    least = _LEAST * np.float32(side * side)
    length = 8 * pitch_of(columns + 2 * radius) + 2 * side
    lines = np.empty((height + 2 * radius, length), np.float32)
    raw, sums = np.zeros(length, np.float32), np.zeros(length, np.float32)
    total, part = np.empty(length, np.float32), np.zeros((2, length), np.float32)
    for top in range(0, rows, height):
        bottom, begun, before = min(top + height, rows), 0, True
        for cell in range(cells + 1):
            start, end = cell * CELL, min(cell * CELL, columns)
            edge = False
            if cell < cells:
                same = agree(
                    marks, top - radius, bottom + radius, start - radius, start + CELL + radius
                )
                edge = same & (LITTLE | FULL) == 0
            if cell == 0:
                before = edge
            if edge == before and cell < cells:
                continue
            start, was = begun, before
            begun, before = end, edge
            if not was:
                for c in range(3):
                    _fill(out, c, top, bottom, start, end, _ZERO)
                continue
            inner, left = end - start, start - radius
            width = inner + 2 * radius
            pitch = pitch_of(width)
            for j in range(bottom - top + 2 * radius):
                row = reflected(top - radius + j, rows)
                for c in range(4):
                    source = planes if c else alpha
                    load(source, max(c - 1, 0), row, left, width, raw, c * pitch)
                _weigh(raw, pitch, lines, j)
            for y in range(bottom - top):
                slide(lines, y, side, 8 * pitch, sums)
                across(sums, side, 8 * pitch, part, total)
                _differ(total, pitch, least, out, top + y, start, inner)


def foreground_shift(
    planes: F32, alpha: F32, radius: int, out: F32, marks: U8 | None = None
) -> None:  # fmt: skip
    """F - B, locally: what turns a soft pixel's colour I into its foreground F = I + (1-a)(F-B).

    F and B are local weighted means, as in Forte, "Approximate Fast Foreground Colour
    Estimation", ICIP 2021, equations 4 and 5, but weighted by the fourth power of a and of 1-a:
    soft pixels hold both colours, and would otherwise stain both means.

    Args:
        planes: float32 (3, rows, columns), Y, Cb, Cr, 0..255.
        alpha: float32 (rows, columns), 0..1.
        radius: of the window, 1 pixel or more.
        out: float32 (3, rows, columns), contiguous, -255..255; 0 where either F or B is missing
            nearby.
        marks: ``survey(alpha)``, if it is at hand.
    """
    alpha = np.ascontiguousarray(alpha)
    marks = survey(alpha) if marks is None else marks
    _shift(np.ascontiguousarray(planes), alpha[None], marks, radius, out)
