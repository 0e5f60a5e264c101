"""Clean: connected components of a matte, which of them stay, and the box around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.matte import I32, I64
from appliance.pixels.cpu.taking_part import MOST, Component, Known, taking_part
from appliance.pixels.cpu.windows import reflected

# Columns that are looked at together while they are alike.
_BLOCK = 16
# Bytes that one turn of a vectorised loop takes: what is left over of a loop is done one by one.
_TURN = 128


@dataclass(frozen=True, slots=True)
class Kept:
    """What ``keep_components`` kept.

    Attributes:
        box: around every kept component, in grid pixels; None when nothing was kept.
        count: components kept.
        mask: uint8 (rows, columns), 1 where a kept component is.
        found: the ``MOST`` largest components, largest first, kept or not; with ``taking-part``.
    """

    box: Rect | None
    count: int
    mask: U8
    found: tuple[Component, ...] = ()


@inline
def _root(parents: I32, run: int) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run


@inline
def _find_runs(binary: U8, y: int, runs: I32, count: int) -> int:
    """Append a row's runs of ones: row, first column, last (exclusive). Returns how many now."""
    columns = binary.shape[1]
    x, inside = 0, np.uint8(0)
    while x < columns:
        end = min(x + _BLOCK, columns)
        ones = np.uint8(0)
        if end - x == _BLOCK:
            for i in range(np.uint64(_BLOCK)):
                ones += binary[y, np.uint64(x) + i]
            if ones == inside * _BLOCK:
                x = end
                continue
        for i in range(x, end):
            if binary[y, i] == inside:
                continue
            inside = binary[y, i]
            if inside:
                runs[count, 0], runs[count, 1] = y, i
            else:
                runs[count, 2] = i
                count += 1
        x = end
    if inside:
        runs[count, 2] = columns
        count += 1
    return count


@inline
def _join(runs: I32, parents: I32, a: int, a_end: int, b: int, b_end: int) -> None:
    """Make one of those runs of two rows that touch, also at a corner."""
    while a < a_end and b < b_end:
        if runs[a, 1] <= runs[b, 2] and runs[b, 1] <= runs[a, 2]:
            p, q = _root(parents, a), _root(parents, b)
            parents[max(p, q)] = min(p, q)
        if runs[a, 2] < runs[b, 2]:
            a += 1
        else:
            b += 1


@kernel(
    "UniTuple(int64, 2)(float32[:, ::1], float32, int64, uint8[:, ::1], int32[:, ::1],"
    "int32[:, ::1])"
)
def _label(
    alpha: F32, threshold: np.float32, least: int, binary: U8, runs: I32, stats: I32
) -> tuple[int, int]:  # fmt: skip
    """Components of at least ``least`` pixels, and their runs; ``binary`` holds no others."""
    rows, columns = alpha.shape
    begins = np.empty(rows + 1, np.int32)
    many = 0
    for y in range(rows):
        begins[y] = many
        for i in range(np.uint64(columns)):
            binary[y, i] = alpha[y, i] >= threshold
        many = _find_runs(binary, y, runs, many)
    begins[rows] = many
    parents, areas = np.empty(many, np.int32), np.empty(many, np.int32)
    numbers = np.empty(many, np.int32)
    for run in range(many):
        parents[run], areas[run], numbers[run] = run, 0, -1
    for y in range(1, rows):
        _join(runs, parents, begins[y - 1], begins[y], begins[y], begins[y + 1])
    for run in range(many):
        runs[run, 3] = _root(parents, run)
        areas[runs[run, 3]] += runs[run, 2] - runs[run, 1]
    found = 0
    # In the order of the 2x2 blocks in which they begin, as OpenCV and the kernels number them.
    for y in range(0, rows, 2):
        a, a_end = begins[y], begins[y + 1]
        b, b_end = a_end, begins[min(y + 2, rows)]
        while a < a_end or b < b_end:
            if b >= b_end or (a < a_end and runs[a, 1] // 2 <= runs[b, 1] // 2):
                run, a = a, a + 1
            else:
                run, b = b, b + 1
            line, start, end, root = runs[run, 0], runs[run, 1], runs[run, 2], runs[run, 3]
            if areas[root] < least:
                runs[run, 3] = -1
                for i in range(start, end):
                    binary[line, i] = 0
                continue
            if numbers[root] < 0:
                numbers[root] = found
                for k in range(stats.shape[1]):
                    stats[found, k] = 0
                stats[found, 0], stats[found, 1], stats[found, 4] = start, line, areas[root]
                found += 1
            number = numbers[root]
            runs[run, 3] = number
            stats[number, 0] = min(stats[number, 0], start)
            stats[number, 1] = min(stats[number, 1], line)
            stats[number, 2] = max(stats[number, 2], end)
            stats[number, 3] = max(stats[number, 3], line + 1)
            stats[number, 5] += start == 0
            stats[number, 6] += end == columns
    return many, found


@kernel("void(int32[:, ::1], uint8[::1], uint8[:, ::1])")
def _leave_out(runs: I32, chosen: U8, binary: U8) -> None:
    for run in range(runs.shape[0]):
        if runs[run, 3] >= 0 and not chosen[runs[run, 3]]:
            for i in range(runs[run, 1], runs[run, 2]):
                binary[runs[run, 0], i] = 0


def keep_components(
    alpha: F32, threshold: float, keep: str, min_area: float, known: Sequence[Known] = (),
    sides: tuple[bool, bool] = (True, True),
) -> Kept:  # fmt: skip
    """Label the pixels of ``alpha >= threshold`` (8-connected) and choose which components stay.

    Args:
        alpha: float32 (rows, columns), 0..1.
        keep: ``largest``; ``all`` for every component of at least ``min_area`` of the largest; or
            ``taking-part`` for those of them that ``taking_part`` chooses.
        min_area: 0..1. known: who was there before, for ``taking-part``.
        sides: whether the grid's left and its right border are the frame's, and may cut somebody.

    A component under 1/4000 of the grid (9 pixels of 256x144) is never kept: nobody is that small.
    """
    rows, columns = alpha.shape
    binary = np.empty(alpha.shape, np.uint8)
    runs = np.empty((rows * -(-columns // 2), 4), np.int32)
    stats = np.empty((-(-rows // 2) * -(-columns // 2), 7), np.int32)
    many, count = _label(
        np.ascontiguousarray(alpha), np.float32(threshold), -(-alpha.size // 4000), binary, runs,
        stats,
    )  # fmt: skip
    if not count:
        return Kept(None, 0, binary)
    parts: list[list[int]] = stats[:count].tolist()
    areas = [part[4] for part in parts]
    largest = max(areas)
    found: tuple[Component, ...] = ()
    if keep == "taking-part":
        order = sorted(range(count), key=lambda number: -areas[number])[:MOST]
        found = tuple(_component(parts[number], sides) for number in order)
        stays = [n for n, stay in zip(order, taking_part(found, known), strict=True) if stay]
        most = areas[stays[0]] if stays else 0
        chosen = {number for number in stays if areas[number] >= min_area * most}
    elif keep == "largest":
        chosen = {areas.index(largest)}
    else:
        chosen = {number for number in range(count) if areas[number] >= min_area * largest}
    if len(chosen) < count:
        table = np.zeros(count, np.uint8)
        table[list(chosen)] = 1
        _leave_out(runs[:many], table, binary)
    if not chosen:
        return Kept(None, 0, binary, found)
    left, top = (min(parts[number][side] for number in chosen) for side in (0, 1))
    right, bottom = (max(parts[number][side] for number in chosen) for side in (2, 3))
    return Kept(Rect(left, top, right - left, bottom - top), len(chosen), binary, found)


def _component(part: Sequence[int], sides: tuple[bool, bool]) -> Component:
    left, top, right, bottom, area, at_left, at_right = part
    touching = max(at_left if sides[0] else 0, at_right if sides[1] else 0)
    return Component(Rect(left, top, right - left, bottom - top), area, touching)


@lru_cache(maxsize=8)
def _disc(grow: int) -> I64:
    """How far a disc of this radius reaches to either side in each of its rows."""
    size = 2 * grow + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray((disc.sum(axis=1) - 1) // 2, np.int64)


@inline
def _spread(mask: U8, y: int, widths: I64, parts: U8, grown: U8) -> None:
    """Lay a disc on each pixel of a row. ``grown`` has ``grow`` columns, and a row, of margin."""
    rows, columns = mask.shape
    grow, length = widths.shape[0] // 2, np.uint64(grown.shape[1])
    for i in range(np.uint64(columns)):
        parts[0, np.uint64(2 * grow) + i] = mask[y, i]
    level, size = 0, 1
    while 2 * size <= 2 * grow + 1:
        off = np.uint64(size)
        for i in range(length):
            parts[level + 1, i] = parts[level, i] | parts[level, off + i]
        level, size = level + 1, 2 * size
    for k in range(max(grow - y, 0), min(2 * grow + 1, rows - y + grow)):
        side, level, size = 2 * widths[k] + 1, 0, 1
        while 2 * size <= side:
            level, size = level + 1, 2 * size
        # A stretch of ``side`` is two of a power of two that overlap.
        first = np.uint64(grow - widths[k])
        second = np.uint64(grow + widths[k] + 1 - size)
        to = y + k - grow + 1
        for i in range(length):
            grown[to, i] |= parts[level, first + i] | parts[level, second + i]


@kernel("void(float32[:, ::1], uint8[:, ::1], int64[::1], int64, int64)")
def _clean(alpha: F32, mask: U8, widths: I64, top: int, bottom: int) -> None:
    rows, columns = alpha.shape
    grow, count = widths.shape[0] // 2, np.uint64(columns)
    turns = (columns + 2 * grow + 2 + _TURN - 1) // _TURN * _TURN
    length, inner, next, after = np.uint64(turns), np.uint64(grow), np.uint64(1), np.uint64(2)
    levels = 1
    while 1 << levels <= 2 * grow + 1:
        levels += 1
    parts = np.zeros((levels, turns + 4 * grow + 2), np.uint8)
    grown = np.zeros((rows + 2, turns), np.uint8)
    for y in range(top, bottom):
        _spread(mask, y, widths, parts, grown)
    for i in range(length):
        grown[0, i] = grown[1 + reflected(-1, rows), i]
    for i in range(length):
        grown[rows + 1, i] = grown[1 + reflected(rows, rows), i]
    sums, share = np.zeros(turns + 2, np.uint8), np.zeros(turns, np.uint8)
    for y in range(rows):
        if y < top - grow or y >= bottom + grow:
            for i in range(count):
                alpha[y, i] = 0
            continue
        if grow >= 2:
            # The fade goes inwards from the grown edge only: at the mask itself the weight is 1.
            for i in range(length):
                sums[next + i] = grown[y, i] + grown[y + 1, i] + grown[y + 2, i]
            sums[grow] = sums[grow + 1 + reflected(-1, columns)]
            sums[grow + 1 + columns] = sums[grow + 1 + reflected(columns, columns)]
            for i in range(length):
                share[i] = (sums[i] + sums[next + i] + sums[after + i]) * grown[y + 1, i]
        else:
            for i in range(length):
                share[i] = np.uint8(9) * grown[y + 1, i]
        for i in range(count):
            weight = np.float32(share[inner + i]) * np.float32(1 / 9)
            alpha[y, i] *= np.float32(1) if mask[y, i] else weight


def clean(alpha: F32, kept: Kept, grow: int) -> None:
    """Zero ``alpha``, contiguous, in place beyond ``grow`` pixels around the kept components.

    The last two pixels of the growth fade, so that hair reaching beyond it does not end in a step.
    """
    if kept.box is None:
        alpha[:] = 0
        return
    _clean(alpha, kept.mask, _disc(grow), kept.box.y, kept.box.bottom)
