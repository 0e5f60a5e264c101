"""Key and fill: a switcher's own arithmetic, in float64, makes our composite of them."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Frame, Range, Rect
from appliance.pixels import cpu
from tests.pixels.frames import noise

F64 = np.ndarray

COLOURS = [Colour(), Colour(range=Range.FULL)]
SIZES = [(2, 2), (34, 18), (130, 74)]


def layer_of(width: int, height: int, colour: Colour, pad: int = 0) -> cpu.PersonLayer:
    """A person of noise, with every alpha, in the middle; rubbish where alpha is 0."""
    front = noise(width, height, 1, pad, colour)
    rng = np.random.default_rng(2)
    alpha = np.zeros((height, width), np.uint8)
    rect = Rect(width // 4 * 2 // 2 // 2 * 2, 0, max(2, width // 4 * 2), height)
    soft = rng.integers(0, 256, (rect.height, rect.width))
    hard = rng.integers(0, 4, soft.shape)
    alpha[rect.y : rect.bottom, rect.x : rect.right] = np.where(
        hard == 0, 0, np.where(hard == 1, 255, soft)
    )
    return cpu.PersonLayer(front, alpha, rect)


def planes(frame: Frame) -> tuple[F64, F64]:
    return frame.y.astype(np.float64), frame.uv.astype(np.float64)


def mean_of_four(plane: F64) -> F64:
    height, width = plane.shape
    return plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))[..., None]


def share_of(key: Frame) -> tuple[F64, F64]:
    """What a switcher reads off a key, for luma and for chroma: 0..1."""
    black, white = (16, 235) if key.colour.range is Range.LIMITED else (0, 255)
    share = (key.y.astype(np.float64) - black) / (white - black)
    return share, mean_of_four(share)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("straight", [False, True])
@pytest.mark.parametrize("pad", [0, 3])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_switcher_makes_the_composite_of_them(
    width: int, height: int, pad: int, straight: bool, colour: Colour
) -> None:
    layer, behind = layer_of(width, height, colour, pad), noise(width, height, 3, pad, colour)
    picture, key, fill = (noise(width, height, 4 + i, pad, colour) for i in range(3))
    cpu.blend_layer(layer, behind, picture)
    cpu.draw_key(layer, key)
    cpu.draw_fill(layer, fill, straight=straight)
    assert (key.uv == 128).all()
    blacks = (key.y.astype(float) * 0 + (16 if colour.range is Range.LIMITED else 0), 128.0)
    for want, front, back, share, black in zip(
        planes(picture), planes(fill), planes(behind), share_of(key), blacks, strict=True
    ):
        # Levels count from black, as voltages do.
        made = (share * (front - black) if straight else front - black) + (1 - share) * (
            back - black
        )
        assert np.abs(np.rint(made + black) - want).max() <= 1


@pytest.mark.parametrize("colour", COLOURS)
def test_a_key_is_alpha_in_the_streams_range(colour: Colour) -> None:
    layer = cpu.empty_layer(256, 2, colour)
    layer.alpha[:] = np.arange(256)
    layer.rect = Rect(0, 0, 256, 2)
    key = noise(256, 2, 1, 0, colour)
    cpu.draw_key(layer, key)
    low, high = (16, 235) if colour.range is Range.LIMITED else (0, 255)
    assert (int(key.y[0, 0]), int(key.y[0, -1])) == (low, high)
    exact = low + np.arange(256) / 255 * (high - low)
    assert np.abs(key.y[0] - exact).max() <= 0.5


@pytest.mark.parametrize("colour", COLOURS)
def test_over_one_colour_is_the_composite_over_that_colour(colour: Colour) -> None:
    layer, want, got = layer_of(64, 36, colour), *(noise(64, 36, 5 + i, 0, colour) for i in (0, 1))
    green = noise(64, 36, 7, 0, colour)
    cpu.draw_plain((173, 42, 26), green)
    cpu.blend_layer(layer, green, want)
    cpu.draw_over_plain(layer, (173, 42, 26), got)
    assert (got.y == want.y).all()
    assert (got.uv == want.uv).all()


@pytest.mark.parametrize("pad", [0, 3])
@pytest.mark.parametrize("nobody", [None, cpu.empty_layer(64, 36, Colour())])
def test_nobody_is_black_or_that_colour(nobody: cpu.PersonLayer | None, pad: int) -> None:
    """Whatever the canvas held before."""
    for draw, want in (
        (lambda out: cpu.draw_key(nobody, out), (16, 128, 128)),
        (lambda out: cpu.draw_fill(nobody, out), (16, 128, 128)),
        (lambda out: cpu.draw_fill(nobody, out, straight=True), (16, 128, 128)),
        (lambda out: cpu.draw_over_plain(nobody, (173, 42, 26), out), (173, 42, 26)),
    ):
        out = noise(64, 36, 1, pad)
        draw(out)
        assert (out.y == want[0]).all()
        assert (out.uv == want[1:]).all()


def test_a_straight_fill_is_black_where_the_key_is() -> None:
    """Also where a little alpha is left that the key's steps do not show."""
    layer = layer_of(64, 36, Colour())
    layer.alpha[:18][layer.alpha[:18] > 0] = 1
    key, fill = noise(64, 36, 1), noise(64, 36, 2)
    cpu.draw_key(layer, key)
    cpu.draw_fill(layer, fill, straight=True)
    dark = key.y == 16
    assert (fill.y[dark] == 16).all()
    assert (fill.y[~dark] == layer.front.y[~dark]).all()
    some = mean_of_four((key.y > 16).astype(float))[..., 0] > 0
    assert (fill.uv[~some] == 128).all()
    assert (fill.uv[some] == layer.front.uv[some]).all()


def test_sizes_must_agree() -> None:
    layer = layer_of(64, 36, Colour())
    with pytest.raises(ValueError, match="66x36"):
        cpu.draw_key(layer, noise(66, 36, 1))
    with pytest.raises(ValueError, match="66x36"):
        cpu.draw_fill(layer, noise(66, 36, 1), straight=True)
    with pytest.raises(ValueError, match="66x36"):
        cpu.draw_over_plain(layer, (0, 0, 0), noise(66, 36, 1))
