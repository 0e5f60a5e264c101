"""Which alphas are never composited."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.errors import MattingError
from appliance.media.frame import F32
from appliance.pixels.cpu.cover import measure_cover
from appliance.stages.matte.checks import check_alpha

ROWS, COLUMNS = 160, 288


def _ones_and_far_below() -> F32:
    alpha = np.ones((ROWS, COLUMNS), np.float32)
    alpha.flat[::125] = -200  # 99.2 % ones; the mean of it is -0.6
    return alpha


def _half_undecided() -> F32:
    alpha = np.zeros((ROWS, COLUMNS), np.float32)
    alpha[: 6 * ROWS // 10] = 0.6
    return alpha


SHOWS_THE_ROOM: dict[str, F32] = {
    "ones": np.ones((ROWS, COLUMNS), np.float32),
    "0.98": np.full((ROWS, COLUMNS), 0.98, np.float32),
    "0.6": np.full((ROWS, COLUMNS), 0.6, np.float32),
    "a tenth": np.full((ROWS, COLUMNS), 0.1, np.float32),
    "far above": np.full((ROWS, COLUMNS), 50, np.float32),
    "ones and far below": _ones_and_far_below(),
    "0.6 of half": _half_undecided(),
    "checkerboard": (np.indices((ROWS, COLUMNS)).sum(0) % 2).astype(np.float32),
    "checks of four": (np.indices((ROWS, COLUMNS)).astype(int) // 4).sum(0).astype(np.float32) % 2,
    "stripes": np.tile((np.arange(COLUMNS) % 4 < 2).astype(np.float32), (ROWS, 1)),
    "noise": np.random.default_rng(0).random((ROWS, COLUMNS), np.float32).round(),
}
"""Alphas that nobody has."""


@pytest.mark.parametrize("name", SHOWS_THE_ROOM)
def test_an_alpha_that_shows_the_room_is_refused(name: str) -> None:
    with pytest.raises(MattingError, match="the placeholder is shown"):
        check_alpha(SHOWS_THE_ROOM[name], 0.97)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    alpha = np.zeros((ROWS, COLUMNS), np.float32)
    alpha[3, 5] = value
    with pytest.raises(MattingError, match="NaN or infinity"):
        check_alpha(alpha, 1.0)


def test_people_are_not() -> None:
    """Nobody; one who fills nine tenths; a crowd of forty with soft hair."""
    nobody = np.zeros((ROWS, COLUMNS), np.float32)
    check_alpha(nobody, 0.97)
    near = nobody.copy()
    near[16:] = 1
    check_alpha(cv2.GaussianBlur(near, (0, 0), 3), 0.97)
    crowd = nobody.copy()
    for row in range(4):
        for column in range(10):
            cv2.ellipse(crowd, (15 + 28 * column, 20 + 38 * row), (8, 16), 0, 0, 360, 1.0, -1)
    soft = np.asarray(cv2.GaussianBlur(crowd, (0, 0), 2), np.float32)
    check_alpha(soft, 0.97)
    check_alpha(2 * soft - 0.3, 0.97)  # networks do give less than 0 and more than 1


def test_the_figures_are_what_they_say() -> None:
    alpha = np.zeros((10, 20), np.float32)
    alpha[2:8, 5:15] = 1
    alpha[2, 5:15] = 0.5
    cover = measure_cover(alpha)
    assert cover.shows == pytest.approx(60 / 200)
    assert cover.undecided == pytest.approx(10 / 200)
    # Sides of 5 and one half, twice; top, a half and a half again; bottom.
    assert cover.outline == pytest.approx(
        (2 * 5.5 + 3 * 0 + 10 * 0.5 + 10 * 0.5 + 10) / np.sqrt(200)
    )
