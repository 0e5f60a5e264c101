"""The square around somebody: inside, square, even, and about the middle where there is room."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.media.frame import Rect
from appliance.stages.roi import Box
from appliance.stages.square import square_around

WIDTH, HEIGHT = 1920, 1080


def test_padded_alike_on_all_sides() -> None:
    """Not on two of them only: the middle stays where it was."""
    assert square_around(Box(800, 400, 1000, 600), WIDTH, HEIGHT, pad=0.1) == Rect(
        780, 380, 240, 240
    )


def test_extended_about_the_middle() -> None:
    square = square_around(Box(900, 300, 1000, 700), WIDTH, HEIGHT, pad=0)
    assert square == Rect(750, 300, 400, 400)
    lying = square_around(Box(700, 500, 1100, 600), WIDTH, HEIGHT, pad=0)
    assert lying == Rect(700, 350, 400, 400)


@pytest.mark.parametrize(
    ("box", "corner"),
    [
        (Box(0, 400, 100, 600), (0, 400)),
        (Box(1820, 400, 1920, 600), (1720, 400)),
        (Box(900, 0, 1100, 100), (900, 0)),
        (Box(900, 980, 1100, 1080), (900, 880)),
        (Box(1900, 1060, 1920, 1080), (1888, 1048)),
        (Box(-300, -300, -100, -100), (0, 0)),
        (Box(5000, 400, 5200, 600), (1720, 400)),
    ],
)
def test_shifted_in_and_not_cut(box: Box, corner: tuple[int, int]) -> None:
    """Clamping without a shift would make an oblong of it, which a network sees stretched."""
    square = square_around(box, WIDTH, HEIGHT, pad=0)
    assert (square.x, square.y) == corner
    assert square.width == square.height == max(32, round(max(box.width, box.height)))


def test_no_larger_than_the_frame() -> None:
    assert square_around(Box(0, 0, WIDTH, HEIGHT), WIDTH, HEIGHT) == Rect(420, 0, 1080, 1080)
    assert square_around(Box(0, 0, 300, HEIGHT), WIDTH, HEIGHT) == Rect(0, 0, 1080, 1080)
    assert square_around(Box(0, 0, 90, 160), 90, 160) == Rect(0, 36, 90, 90)
    assert square_around(Box(3, 1, 4, 2), 7, 5) == Rect(2, 0, 4, 4)


def test_a_point_has_a_square_too() -> None:
    assert square_around(Box(50, 60, 50, 60), 640, 480) == Rect(34, 44, 32, 32)
    assert square_around(Box(50, 60, 50, 60), 24, 24) == Rect(0, 0, 24, 24)


def test_whatever_the_box() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        width, height = (int(n) for n in rng.integers(2, 500, 2))
        x, y = rng.uniform(-300, 600, 2)
        w, h = rng.uniform(0, 400, 2)
        pad = float(rng.uniform(0, 1))
        box = Box(x, y, x + w, y + h)
        square = square_around(box, width, height, pad=pad)
        assert square.width == square.height >= 2
        assert Rect(0, 0, width, height).contains(square)
        assert (square.x | square.y | square.width) & 1 == 0
        wanted = max(w, h) * (1 + 2 * pad)
        if wanted >= 32 and square.width < min(width, height) // 2 * 2:
            assert 0 <= square.width - wanted < 2.001
        for start, middle, limit in ((square.x, x + w / 2, width), (square.y, y + h / 2, height)):
            free = limit // 2 * 2 - square.width
            if 0 < start < free:
                assert abs(start + square.width / 2 - middle) <= 1.001
            elif start == 0 < free:
                assert middle - square.width / 2 < 1.001
            elif start == free > 0:
                assert middle + square.width / 2 > limit - 2.001


@pytest.mark.parametrize(
    "box", [Box(math.nan, 0, 1, 1), Box(0, 0, math.inf, 1), Box(5, 0, 4, 1), Box(0, 5, 1, 4)]
)
def test_no_box(box: Box) -> None:
    with pytest.raises(ValueError, match="expected finite sides"):
        square_around(box, 640, 480)


def test_no_frame() -> None:
    with pytest.raises(ValueError, match="1x480"):
        square_around(Box(0, 0, 1, 1), 1, 480)
