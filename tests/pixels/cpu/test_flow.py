"""Optical flow, and mattes that follow it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.flow import Flow, follow, to_flow_grid, unexplained

ROWS, COLUMNS = 144, 256


def textured(seed: int = 0) -> U8:
    """A picture with something to see everywhere."""
    noise = np.random.default_rng(seed).random((ROWS, COLUMNS)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray(cv2.normalize(smooth, None, 10, 245, cv2.NORM_MINMAX), np.uint8)  # type: ignore[call-overload]


def blob(x: float, y: float, rows: int = ROWS, columns: int = COLUMNS, radius: float = 20) -> F32:
    """A soft disc."""
    across, down = np.meshgrid(np.arange(columns), np.arange(rows))
    distance = np.hypot(across - x, down - y)
    return np.clip((radius - distance) / 3 + 0.5, 0, 1).astype(np.float32)


def moved(picture: U8, dx: int, dy: int) -> U8:
    """The picture, further right and down; what comes in is the border's."""
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.warpAffine(picture, shift, size, borderMode=cv2.BORDER_REFLECT), np.uint8)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 0), (-2, 4), (9, -6)])
def test_a_matte_goes_along_with_the_picture(dx: int, dy: int) -> None:
    before = textured()
    now = moved(before, dx, dy)
    matte = follow(blob(128, 72), Flow()(now, before))
    assert np.abs(matte - blob(128 + dx, 72 + dy)).mean() < 0.004
    assert unexplained(now, before, Flow()(now, before)) < 0.05


def test_nothing_moves_in_an_even_picture() -> None:
    grey = np.full((ROWS, COLUMNS), 90, np.uint8)
    assert np.abs(follow(blob(60, 40), Flow()(grey, grey)) - blob(60, 40)).max() < 1e-3


@pytest.mark.parametrize(
    ("rows", "columns"), [(144, 256), (96, 160), (36, 64), (288, 512), (2, 144), (16, 256), (9, 2)]
)
def test_grids_of_any_size(rows: int, columns: int) -> None:
    """OpenCV's own flow ends the process on some of these."""
    before = textured()
    now = moved(before, 8, 4)
    luma = [
        cv2.resize(p, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
        for p in (now, before)
    ]
    now_grid, before_grid = (to_flow_grid(plane) for plane in luma)
    assert now_grid.shape == (ROWS, COLUMNS)
    origin = Flow()(now_grid, before_grid)
    x, y, radius = columns / 2, rows / 2, min(rows, columns) / 5
    matte = follow(blob(x, y, rows, columns, radius), origin)
    assert matte.shape == (rows, columns)
    assert np.isfinite(matte).all()
    assert matte.min() >= 0
    assert matte.max() <= 1
    if min(rows, columns) >= 96:
        want = blob(x + 8 * columns / COLUMNS, y + 4 * rows / ROWS, rows, columns, radius)
        assert np.abs(matte - want).mean() < 0.006


@pytest.mark.parametrize("what", ["another scene", "black", "white"])
def test_another_scene_is_not_explained(what: str) -> None:
    before = textured()
    other = {"another scene": textured(1), "black": before * 0, "white": before * 0 + 255}[what]
    origin = Flow()(other, before)
    assert np.isfinite(origin).all()
    assert unexplained(other, before, origin) > 0.15


def test_light_that_is_switched_is_not_explained() -> None:
    before = textured()
    dark = (before * 0.6).astype(np.uint8)
    assert unexplained(dark, before, Flow()(dark, before)) > 0.5
