"""The soft shadow: near the person, under the feet, and black stays black."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Frame, Matrix, Range, blank
from appliance.pixels import cpu
from tests.pixels.frames import noise

FULL = Colour(Matrix.BT601, Range.FULL)


def standing(rows: int = 135, columns: int = 240, bottom: int = 110) -> np.ndarray:
    """A person whose feet are at row ``bottom``."""
    alpha = np.zeros((rows, columns), np.uint8)
    alpha[20:bottom, columns // 2 - 20 : columns // 2 + 20] = 255
    return alpha


def test_it_is_darkest_under_the_feet_and_gone_far_away() -> None:
    shade = cpu.contact_shadow(standing(), 1.0).astype(int)
    middle = 120
    assert shade[112, middle] < shade[60, middle + 24] < 250
    assert (shade[:, :60] == 255).all()
    assert shade[112, middle] < 140
    assert shade[14, middle] > shade[60, middle + 22], "the light is from above"


def test_its_strength() -> None:
    assert (cpu.contact_shadow(standing(), 0.0) == 255).all()
    half, whole = (cpu.contact_shadow(standing(), s).astype(int) for s in (0.5, 1.0))
    assert np.abs((255 - half) * 2 - (255 - whole)).max() <= 2


def test_who_is_cut_by_the_border_has_no_feet() -> None:
    assert cpu.feet(standing(bottom=110)).any()
    cut = standing(bottom=135)
    assert not cpu.feet(cut).any()
    shade = cpu.contact_shadow(cut, 1.0).astype(int)
    beside = shade[70:, 143]
    assert np.abs(beside - beside[0]).max() <= 2, "the wall's shadow goes on to the border"


def test_nobody_throws_none() -> None:
    assert (cpu.contact_shadow(np.zeros((60, 107), np.uint8), 1.0) == 255).all()


def test_a_raised_arm_is_no_foot() -> None:
    alpha = standing()
    alpha[40:50, 140:180] = 255
    made = cpu.feet(alpha)
    assert not made[:90].any()


@pytest.mark.parametrize("colour", [Colour(), FULL])
@pytest.mark.parametrize("pad", [0, 6])
def test_darken(colour: Colour, pad: int) -> None:
    picture, out = noise(66, 36, 1, pad, colour), noise(66, 36, 2, pad, colour)
    rng = np.random.default_rng(3)
    shade = rng.integers(0, 256, (36, 66), np.uint8)
    shade[8:12] = 255
    cpu.darken(picture, shade, out)
    black = 16 if colour.range is Range.LIMITED else 0
    want = black + (picture.y.astype(float) - black) * shade / 255
    want_uv = 128 + (picture.uv.astype(float) - 128) * shade[::2, ::2, None] / 255
    assert np.abs(out.y - want).max() <= 0.51
    assert np.abs(out.uv - want_uv).max() <= 0.51
    dark: Frame = blank(66, 36, colour)
    cpu.darken(blank(66, 36, colour), shade, dark)
    assert (dark.y == black).all()
    with pytest.raises(ValueError, match="66x36"):
        cpu.darken(picture, shade[:-2], out)
