"""The dissolve against float64, on awkward sizes and pitches."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Frame
from appliance.pixels import cpu

SIZES = [(1, 1), (2, 2), (7, 5), (64, 2), (321, 181)]


def noise(width: int, height: int, pad: int, seed: int) -> Frame:
    """A frame of noise, its rows ``pad`` bytes longer than the picture."""
    rng = np.random.default_rng(seed)
    half = (height + 1) // 2, (width + 1) // 2
    y = rng.integers(0, 256, (height, width + pad), np.uint8)[:, :width]
    uv = rng.integers(0, 256, (half[0], half[1] + pad, 2), np.uint8)[:, : half[1]]
    return Frame(y, uv)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("weight", [0.0, 1e-6, 1 / 16, 1 / 3, 0.5, 15 / 16, 1.0])
def test_it_is_the_weighted_mean(width: int, height: int, weight: float) -> None:
    before, out = noise(width, height, 3, 1), noise(width, height, 0, 2)
    want = [
        before.y * (1 - weight) + out.y * np.float64(weight),
        before.uv * (1 - weight) + out.uv * np.float64(weight),
    ]
    kept = before.y.copy()
    cpu.dissolve(before, out, weight)
    for got, exact in zip((out.y, out.uv), want, strict=True):
        assert np.abs(got - exact).max() <= 0.502
    assert (before.y == kept).all()


def test_its_ends_are_the_pictures_themselves() -> None:
    before, now = noise(64, 36, 0, 1), noise(64, 36, 0, 2)
    out = Frame(now.y.copy(), now.uv.copy())
    cpu.dissolve(before, out, 1.0)
    assert (out.y == now.y).all()
    assert (out.uv == now.uv).all()
    cpu.dissolve(before, out, 0.0)
    assert (out.y == before.y).all()
    assert (out.uv == before.uv).all()


def test_extremes_do_not_wrap() -> None:
    white, black = np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8)
    chroma = np.full((1, 1, 2), 255, np.uint8)
    for weight in np.linspace(0, 1, 1001):
        same = Frame(white.copy(), chroma.copy())
        cpu.dissolve(Frame(white, chroma), same, float(weight))
        assert (same.y == 255).all()
        dark = Frame(black.copy(), chroma.copy())
        cpu.dissolve(Frame(white, chroma), dark, float(weight))
        assert abs(int(dark.y[0, 0]) - 255 * (1 - weight)) <= 0.502


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot dissolve 4x4 into 4x2: expected one size"):
        cpu.dissolve(noise(4, 4, 0, 1), noise(4, 2, 0, 1), 0.5)
    for weight in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            cpu.dissolve(noise(4, 4, 0, 1), noise(4, 4, 0, 1), weight)
