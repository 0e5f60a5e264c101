"""The person's layer: laid over a background it is what the composite gives in one pass."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Rect
from appliance.pixels import cpu
from tests.pixels.cpu.test_composite import SIZES, rects
from tests.pixels.frames import noise


def coefficients(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    made = np.zeros((5, rows, columns))
    top, left = rng.integers(0, rows), rng.integers(0, columns)
    part = np.s_[top : top + 1 + rows // 2, left : left + 1 + columns // 2]
    made[0][part] = rng.normal(0, 0.004)
    made[1][part] = rng.uniform(-0.2, 1.2)
    made[2:] = rng.normal(0, 60, (3, rows, columns))
    return made.astype(np.float32)


@pytest.mark.parametrize("pad", [0, 3])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_over_a_background_it_is_the_composite(width: int, height: int, pad: int) -> None:
    frame, background = noise(width, height, 1, pad), noise(width, height, 2, pad)
    rng = np.random.default_rng(3)
    compositor, separate = cpu.Compositor(), cpu.Separator()
    layer = cpu.empty_layer(width, height, Colour())
    for _ in range(4):
        for rect in rects(width, height):
            rows, columns = int(rng.integers(1, 20)), int(rng.integers(1, 40))
            matte = cpu.Matte(rect, coefficients(rng, rows, columns), True, levels=0.05)
            want, got = noise(width, height, 4, pad), noise(width, height, 5, pad)
            alpha, same = (np.empty((height, width), np.uint8) for _ in range(2))
            compositor(frame, background, matte, want, matte_out=alpha)
            separate(frame, matte, layer)
            cpu.blend_layer(layer, background, got, matte_out=same)
            # Alpha in steps of 255 moves a blend by half a step; the colour is rounded once more.
            assert np.abs(got.y.astype(int) - want.y).max() <= 1, rect
            assert np.abs(got.uv.astype(int) - want.uv).max() <= 1, rect
            assert (same == alpha).all()
            outside = layer.alpha.copy()
            box = layer.rect
            outside[box.y : box.bottom, box.x : box.right] = 0
            assert not outside.any()


def test_nobody_is_an_empty_layer() -> None:
    frame, layer = noise(64, 36, 1), cpu.empty_layer(64, 36, Colour())
    nobody = cpu.Matte(frame.rect, np.zeros((5, 9, 16), np.float32), False)
    cpu.Separator()(frame, nobody, layer)
    assert layer.rect == Rect(0, 0, 0, 0)
    out = noise(64, 36, 3)
    cpu.blend_layer(layer, noise(64, 36, 2), out)
    assert (out.y == noise(64, 36, 2).y).all()


def test_sizes_must_agree() -> None:
    layer = cpu.empty_layer(64, 36, Colour())
    nobody = cpu.Matte(Rect(0, 0, 66, 36), np.zeros((5, 9, 16), np.float32), False)
    with pytest.raises(ValueError, match="66x36"):
        cpu.Separator()(noise(66, 36, 1), nobody, layer)
    with pytest.raises(ValueError, match="66x36"):
        cpu.blend_layer(layer, noise(66, 36, 1), noise(64, 36, 2))
