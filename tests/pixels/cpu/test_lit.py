"""The composite in new light, in one pass: the same as by way of a layer."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Rect
from appliance.pixels import cpu
from tests.pixels.cpu.test_composite import SIZES, rects
from tests.pixels.cpu.test_layer import coefficients
from tests.pixels.cpu.test_light import MATRIX, wrap_of
from tests.pixels.frames import noise


@pytest.mark.parametrize("pad", [0, 3])
@pytest.mark.parametrize(("width", "height"), [*SIZES, (322, 178)])
@pytest.mark.parametrize("parts", ["nothing", "map", "wrap", "both"])
def test_as_by_way_of_a_layer(width: int, height: int, pad: int, parts: str) -> None:
    frame, background = noise(width, height, 1, pad), noise(width, height, 2, pad)
    rng = np.random.default_rng(3)
    lit, separate, relight = cpu.LitCompositor(), cpu.Separator(), cpu.Relight()
    layer = cpu.empty_layer(width, height, Colour())
    matrix = MATRIX if parts in ("map", "both") else None
    wrap = wrap_of(width, height) if parts in ("wrap", "both") else None
    for rect in rects(width, height):
        matte = cpu.Matte(rect, coefficients(rng, 7, 12), True, levels=0.05)
        want, got = noise(width, height, 4, pad), noise(width, height, 5, pad)
        alpha, same = (np.empty((height, width), np.uint8) for _ in range(2))
        separate(frame, matte, layer)
        relight(layer, matrix, wrap)
        cpu.blend_layer(layer, background, want, matte_out=alpha)
        lit(frame, background, matte, got, cpu.Light(matrix, wrap), matte_out=same)
        # Alpha and colour are rounded on the way by a layer; once more with each part.
        assert np.abs(got.y.astype(int) - want.y).max() <= 2, rect
        assert np.abs(got.uv.astype(int) - want.uv).max() <= 2, rect
        assert (same == alpha).all()


def test_the_matte_of_a_part_on_a_grid_over_all() -> None:
    alpha = np.full((10, 20), 0.5, np.float32)
    made = cpu.grid_alpha(alpha, Rect(80, 40, 160, 80), Rect(0, 0, 320, 180), (45, 80))
    assert made.shape == (45, 80)
    assert (made[10:30, 20:60] == 128).all()
    made[10:30, 20:60] = 0
    assert not made.any()
    nothing = cpu.grid_alpha(alpha, Rect(0, 0, 2, 2), Rect(0, 0, 3840, 2160), (135, 240))
    assert not nothing.any()


def test_sizes_must_agree() -> None:
    nobody = cpu.Matte(Rect(0, 0, 66, 36), np.zeros((5, 9, 16), np.float32), False)
    one, other = noise(66, 36, 1), noise(64, 36, 2)
    with pytest.raises(ValueError, match="66x36"):
        cpu.LitCompositor()(one, other, nobody, noise(66, 36, 3), cpu.Light(None, None))
