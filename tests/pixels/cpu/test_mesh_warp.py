"""The warp of a cut-out layer, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.pixels.cpu.mesh_warp import STEPS, add_rest, mesh_warp, occupied
from appliance.sources.puppet.skin import vertices

ROWS, COLUMNS = 54, 96
RNG = np.random.default_rng(2)


def layer(channels: int, *, solid: bool = False) -> np.ndarray:
    """Noise with an alpha of noise, 0 and 255; colours times alpha."""
    alpha = RNG.integers(-200, 456, (ROWS, COLUMNS)).clip(0, 255)
    alpha[20:40, 30:70] = 255
    if solid:
        alpha[:] = 255
    colours = RNG.integers(0, 256, (ROWS, COLUMNS, channels)) * alpha[:, :, None] // 255
    return np.ascontiguousarray(np.dstack((colours, alpha)).astype(np.int16))


def picture(channels: int) -> np.ndarray:
    return RNG.integers(0, 256, (ROWS, COLUMNS, channels)).astype(np.uint8)


def home(width: int = COLUMNS, height: int = ROWS) -> np.ndarray:
    return vertices(width, height).astype(np.float32)


def laid(what: np.ndarray, grid: np.ndarray, below: np.ndarray, *, goes_on: bool) -> np.ndarray:
    out = below.copy()
    sums = occupied(np.ascontiguousarray(what[:, :, -1]))
    mesh_warp(what, sums, np.ascontiguousarray(grid), goes_on, out)
    return out


def over(what: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Colours and alpha, float64, over a picture, to the nearest."""
    mixed = what[:, :, :-1] + below * (1 - what[:, :, -1:] / 255)
    return np.clip(np.floor(mixed + 0.5), 0, 255)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("goes_on", [True, False])
def test_unmoved_each_pixel_is_met_exactly(channels: int, goes_on: bool) -> None:
    what, below = layer(channels), picture(channels)
    assert np.array_equal(laid(what, home(), below, goes_on=goes_on), over(what, below))


@pytest.mark.parametrize("by", [(5, 0), (-7, 3), (0, -11)])
def test_whole_pixels_are_shifted(by: tuple[int, int]) -> None:
    what, below = layer(1), picture(1)
    found = laid(what, home() - np.float32(by), below, goes_on=False)
    moved = np.zeros_like(what)
    x, y = by
    moved[max(y, 0) : ROWS + min(y, 0), max(x, 0) : COLUMNS + min(x, 0)] = what[
        max(-y, 0) : ROWS + min(-y, 0), max(-x, 0) : COLUMNS + min(-x, 0)
    ]
    assert np.array_equal(found, over(moved, below))


def test_beyond_its_border_it_goes_on_if_it_is_to() -> None:
    what, below = layer(1, solid=True), picture(1)
    found = laid(what, home() - np.float32((10, 0)), below, goes_on=True)
    assert (found[:, :10, 0] == what[:, :1, 0]).all()
    assert np.array_equal(found[:, 10:], what[:, :-10, :1])


def test_between_pixels_it_is_bilinear() -> None:
    what, below = layer(2), picture(2)
    turn = np.array([[0.93, -0.21], [0.17, 1.08]])
    grid = (vertices(COLUMNS, ROWS) @ turn.T + (6.3, -4.1)).astype(np.float32)
    found = laid(what, grid, below, goes_on=False).astype(int)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    at = np.dstack((x, y)) @ turn.T + (6.3, -4.1)
    at = np.floor(at * STEPS + 0.5) / STEPS
    left, top = np.floor(at[:, :, 0]).astype(int), np.floor(at[:, :, 1]).astype(int)
    inside = (left >= 0) & (top >= 0) & (left < COLUMNS - 1) & (top < ROWS - 1)
    u, v = (at[:, :, 0] - left)[inside, None], (at[:, :, 1] - top)[inside, None]
    r, c = top[inside], left[inside]
    upper = what[r, c] * (1 - u) + what[r, c + 1] * u
    lower = what[r + 1, c] * (1 - u) + what[r + 1, c + 1] * u
    mixed = over((upper * (1 - v) + lower * v)[:, None], below[inside][:, None])[:, 0]
    # A place on the border of two steps may be rounded either way.
    off = np.abs(found[inside] - mixed)
    assert np.quantile(off, 0.99) <= 1
    assert inside.sum() > 2000


def test_nothing_is_drawn_by_what_is_no_number() -> None:
    what, below = layer(1, solid=True), picture(1)
    for wrong in (np.nan, np.inf, -np.inf):
        grid = home()
        grid[:] = wrong
        assert np.array_equal(laid(what, grid, below, goes_on=True), below)
    far = home() + np.float32(1e9)
    assert np.array_equal(laid(what, far, below, goes_on=False), below)
    laid(what, far, below, goes_on=True)


@pytest.mark.parametrize("size", [(2, 2), (3, 300), (97, 55), (20, 10)])
def test_pictures_smaller_than_the_mesh_are_drawn_whole(size: tuple[int, int]) -> None:
    """Each pixel belongs to one cell, also where there are more cells than pixels."""
    width, height = size
    what = np.full((height, width, 2), 255, np.int16)
    what[:, :, 0] = 77
    out = np.zeros((height, width, 1), np.uint8)
    sums = occupied(np.ascontiguousarray(what[:, :, 1]))
    mesh_warp(what, sums, home(width, height), False, out)
    assert (out == 77).all()


def test_what_is_missing_is_added_where_nothing_moved() -> None:
    out = np.full((ROWS, COLUMNS, 1), 100, np.uint8)
    places = np.array([[5, 5], [5, 90], [40, 5]], np.int32)
    rest = np.array([[20], [-20], [200]], np.int16)
    moved = np.zeros((2, 2, 2), np.float32)
    moved[:, 1, 0] = 2.0  # nothing at the left, 2 pixels at the right
    add_rest(places, rest, moved, np.float32(2), out)
    assert out[5, 5, 0] == 119  # 5 / 95 of the way
    assert out[5, 90, 0] == 99
    assert out[40, 5, 0] == 255
    assert (out != 100).sum() == 3
