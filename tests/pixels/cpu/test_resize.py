"""Resizing a plane: integers that must not overflow, parts of a grid, memory that is used again."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.resize import resize_plane
from tests.pixels import reference


def plane(rows: int, columns: int, seed: int = 0) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), np.uint8)


def resized(source: U8, shape: tuple[int, int, int], rect: Rect | None = None) -> F32:
    out = np.full(shape, np.nan, np.float32)
    whole = Rect(0, 0, source.shape[1] // shape[0], source.shape[0])
    resize_plane(source, rect or whole, out)
    return out


@pytest.mark.parametrize("height", [254, 256, 257, 300, 1500])
def test_many_white_rows_to_one(height: int) -> None:
    """A cell's rows are added up in 16 bits."""
    assert np.abs(resized(np.full((height, 3), 255, np.uint8), (1, 1, 3)) - 255).max() < 0.01


@pytest.mark.parametrize(
    ("source", "grid"),
    [((40, 9), (9, 12)), ((9, 40), (12, 10)), ((1, 1), (3, 4)), ((1, 9), (5, 9)), ((9, 7), (9, 7))]
)  # fmt: skip
def test_one_side_may_grow(source: tuple[int, int], grid: tuple[int, int]) -> None:
    given = plane(*source)
    grows = source[0] < grid[0] or source[1] < grid[1]
    want = (reference.bilinear if grows else reference.area)(given.astype(np.float64), *grid)
    assert np.abs(resized(given, (1, *grid))[0] - want).max() < 1e-3


@pytest.mark.parametrize("grid", [(21, 30), (80, 130)])
@pytest.mark.parametrize("part", [(0, 3), (5, 5), (7, 20), (13, 21)])
def test_a_part_is_a_part_of_the_whole(grid: tuple[int, int], part: tuple[int, int]) -> None:
    given, rect = plane(77, 2 * 99), Rect(3, 1, 90, 71)
    out = np.full((2, *grid), np.nan, np.float32)
    resize_plane(given, rect, out, part)
    rows = slice(*part)
    assert np.array_equal(out[:, rows], resized(given, (2, *grid), rect)[:, rows])


def test_any_strides() -> None:
    given = plane(60, 90)
    spread = np.zeros((60, 270), np.uint8)
    spread[:, ::3] = given
    out = np.zeros((1, 20, 48), np.float32)[:, :, ::2]
    resize_plane(spread[:, ::3], Rect(0, 0, 90, 60), out)
    assert np.array_equal(out, resized(given, (1, 20, 24)))


def test_nothing_stays_of_a_wider_part() -> None:
    """Memory of a wide picture is used again; what lies beyond a narrow one does not count."""
    wide, narrow = plane(40, 400, 1), plane(40, 30, 2)
    want = reference.area(narrow.astype(np.float64), 13, 7)
    resized(wide, (1, 13, 150))
    assert np.abs(resized(narrow, (1, 13, 7))[0] - want).max() < 1e-3
