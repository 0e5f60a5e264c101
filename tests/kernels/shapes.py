"""Binary pictures that are hard to label."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]


def spiral(rows: int, columns: int) -> Bits:
    """The longest possible component: a square spiral, one pixel wide."""
    bits = np.zeros((rows, columns), np.uint8)
    y, x, dy, dx = 0, 0, 0, 1
    bits[0, 0] = 1
    turns = 0

    def free(r: int, c: int) -> bool:
        return 0 <= r < rows and 0 <= c < columns and not bits[r, c]

    while turns < 2:
        ahead, beyond = (y + dy, x + dx), (y + 2 * dy, x + 2 * dx)
        outside = not (0 <= beyond[0] < rows and 0 <= beyond[1] < columns)
        if free(*ahead) and (outside or not bits[beyond]):
            y, x = ahead
            bits[y, x] = 1
            turns = 0
        else:
            dy, dx = dx, -dy
            turns += 1
    return bits


def comb(rows: int, columns: int) -> Bits:
    """Teeth that meet only in the last row: labels must propagate all the way."""
    bits = np.zeros((rows, columns), np.uint8)
    bits[:, ::2] = 1
    bits[-1] = 1
    return bits


def pictures(rows: int, columns: int) -> Iterator[tuple[str, Bits]]:
    """Hard pictures of one size, by name."""
    rng = np.random.default_rng(rows * 1000 + columns)
    y, x = np.mgrid[:rows, :columns]
    yield "nothing", np.zeros((rows, columns), np.uint8)
    yield "all", np.ones((rows, columns), np.uint8)
    for place in ((0, 0), (rows - 1, columns - 1), (rows // 2, columns // 2)):
        one = np.zeros((rows, columns), np.uint8)
        one[place] = 1
        yield f"one at {place}", one
    yield "checkerboard", ((x + y) % 2).astype(np.uint8)
    yield "columns", (x % 2).astype(np.uint8)
    yield "rows", (y % 2).astype(np.uint8)
    yield "dots", ((x % 2 == 0) & (y % 2 == 0)).astype(np.uint8)
    yield "far dots", ((x % 3 == 0) & (y % 3 == 0)).astype(np.uint8)
    yield "diagonal", ((x - y) % 5 == 0).astype(np.uint8)
    yield "other diagonal", ((x + y) % 5 == 0).astype(np.uint8)
    yield "spiral", spiral(rows, columns)
    yield "inverse spiral", 1 - spiral(rows, columns)
    yield "comb", comb(rows, columns)
    yield "comb upside down", np.ascontiguousarray(comb(rows, columns)[::-1])
    yield "comb sideways", np.ascontiguousarray(comb(columns, rows).T)
    for density in (0.1, 0.4, 0.6):
        noise = rng.random((rows, columns)) < density
        yield f"noise {density}", noise.astype(np.uint8)
    big = rng.random((rows // 4 + 1, columns // 4 + 1)) < 0.45
    yield "blobs", big.repeat(4, 0).repeat(4, 1)[:rows, :columns].astype(np.uint8)
