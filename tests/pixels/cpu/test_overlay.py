"""Captions over a frame: the blend's definition, what stays, and colours from RGB."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Frame, Matrix, Range
from appliance.media.rgb import matrix_of
from appliance.pixels import cpu
from tests.pixels.frames import noise

COLOURS = [Colour(m, r) for m in Matrix for r in Range]


def some_overlay(x: int, y: int, width: int = 34, height: int = 14, seed: int = 7) -> cpu.Overlay:
    """Some of it clear, some opaque, the rest in between."""
    rng = np.random.default_rng(seed)
    alpha = rng.integers(0, 256, (height, width)).astype(np.uint8)
    alpha[: height // 3], alpha[height // 3 : height // 2] = 0, 255
    luma = (alpha * rng.random((height, width))).astype(np.uint8)
    mean = alpha.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    chroma = (mean[..., None] * rng.random((height // 2, width // 2, 2))).astype(np.uint8)
    return cpu.Overlay(x, y, luma, chroma, alpha)


@pytest.mark.parametrize(("width", "height"), [(64, 36), (65, 37)])
@pytest.mark.parametrize("pad", [0, 3])
def test_over_is_its_definition_and_the_rest_stays(width: int, height: int, pad: int) -> None:
    frame, before = (noise(width, height, 1, pad) for _ in range(2))
    overlay = some_overlay(30, 22)
    cpu.blend_overlay(frame, overlay)
    want_y, want_uv = before.y.astype(np.float64), before.uv.astype(np.float64)
    mean = overlay.alpha.reshape(7, 2, 17, 2).mean(axis=(1, 3))
    part_y, part_uv = want_y[22:36, 30:64], want_uv[11:18, 15:32]
    part_y[:] = overlay.luma + (1 - overlay.alpha / 255) * part_y
    part_uv[:] = overlay.chroma + (1 - mean[..., None] / 255) * part_uv
    assert np.abs(frame.y - want_y).max() <= 0.5
    assert np.abs(frame.uv - want_uv).max() <= 0.5
    clear = np.ones_like(before.y, bool)
    clear[22:36, 30:64] = overlay.alpha == 0
    assert np.array_equal(frame.y[clear], before.y[clear])
    outside = np.ones(before.uv.shape[:2], bool)
    outside[11:18, 15:32] = mean == 0
    assert np.array_equal(frame.uv[outside], before.uv[outside])


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_are_those_of_rgb(colour: Colour) -> None:
    """Laid over a frame, as if both had been blended in RGB and then converted."""
    rng = np.random.default_rng(3)
    alpha = np.repeat(np.repeat(rng.integers(0, 256, (4, 6)), 2, 0), 2, 1)
    rgb = np.repeat(np.repeat(rng.integers(0, 256, (4, 6, 3)), 2, 0), 2, 1)
    premultiplied = np.rint(rgb * alpha[..., None] / 255)
    bgra = np.dstack((premultiplied[..., ::-1], alpha)).astype(np.uint8)
    frame = noise(12, 8, 1, colour=colour)
    under = Frame(frame.y.copy(), frame.uv.copy(), colour)
    cpu.blend_overlay(frame, cpu.overlay_of(bgra, 0, 0, colour))
    matrix, offset = matrix_of(colour)
    over = rgb @ matrix.T + offset
    a = alpha / 255
    assert np.abs(frame.y - (a * over[..., 0] + (1 - a) * under.y)).max() <= 1.6
    want = a[::2, ::2, None] * over[::2, ::2, 1:] + (1 - a[::2, ::2, None]) * under.uv
    assert np.abs(frame.uv - want).max() <= 1.6


def test_odd_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="3x2"):
        cpu.overlay_of(np.zeros((2, 3, 4), np.uint8), 0, 0, Colour())
