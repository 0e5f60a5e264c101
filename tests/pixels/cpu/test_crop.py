"""Crop and colour conversion against float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from appliance.media.frame import Colour, Matrix, Range, Rect
from appliance.pixels import cpu
from tests.pixels import reference
from tests.pixels.frames import noise


@pytest.mark.parametrize(
    ("rect", "rows", "columns"),
    [
        (Rect(0, 0, 130, 90), 45, 65),
        (Rect(0, 0, 130, 90), 16, 16),
        (Rect(6, 10, 120, 76), 17, 33),
        (Rect(128, 88, 2, 2), 1, 1),
        (Rect(10, 10, 64, 64), 32, 32),
    ],
)
@pytest.mark.parametrize("pad", [0, 5])
def test_shrinking_is_the_area_mean(rect: Rect, rows: int, columns: int, pad: int) -> None:
    frame = noise(130, 90, 7, pad)
    out = np.empty((3, rows, columns), np.float32)
    cpu.crop_planes(frame, rect, out)
    y = frame.y[rect.y : rect.bottom, rect.x : rect.right].astype(np.float64)
    assert np.abs(out[0] - reference.area(y, rows, columns)).max() < 0.01
    uv = frame.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
    if uv.shape[0] >= rows and uv.shape[1] >= columns:
        for c in range(2):
            want = reference.area(uv[..., c].astype(np.float64), rows, columns)
            assert np.abs(out[1 + c] - want).max() < 0.01


def test_growing_is_bilinear() -> None:
    frame = noise(40, 30, 8)
    rect = Rect(4, 6, 20, 10)
    out = np.empty((3, 36, 64), np.float32)
    cpu.crop_planes(frame, rect, out)
    want = reference.bilinear(frame.y[6:16, 4:24].astype(np.float64), 36, 64)
    assert np.abs(out[0] - want).max() < 0.01


@pytest.mark.parametrize("rect", [Rect(0, 0, 0, 10), Rect(-2, 0, 10, 10), Rect(30, 0, 20, 10)])
def test_refuses_what_is_not_inside(rect: Rect) -> None:
    with pytest.raises(ValueError, match="not inside a frame of 40x30"):
        cpu.crop_planes(noise(40, 30, 1), rect, np.empty((3, 4, 4), np.float32))


def test_refuses_odd_rectangles() -> None:
    with pytest.raises(ValueError, match="even pixels"):
        cpu.crop_planes(noise(40, 30, 1), Rect(1, 0, 10, 10), np.empty((3, 4, 4), np.float32))


@pytest.mark.parametrize(
    "colour", [Colour(m, r) for m, r in itertools.product(Matrix, Range)], ids=str
)
@pytest.mark.parametrize("bgr", [False, True])
def test_colours_follow_the_standards(colour: Colour, bgr: bool) -> None:
    rng = np.random.default_rng(5)
    planes = rng.uniform(0, 255, (3, 6, 10)).astype(np.float32)
    mean, scale = np.array([10, 20, 30], np.float32), np.array([0.5, 0.25, 2], np.float32)
    out = np.empty((3, 6, 10), np.float32)
    cpu.planes_to_tensor(planes, colour, mean, scale, out, bgr=bgr)
    rgb = reference.to_rgb(*planes.astype(np.float64), colour)
    want = ((rgb[::-1] if bgr else rgb) - mean[:, None, None]) * scale[:, None, None]
    assert np.abs(out - want).max() < 1e-2


def test_writes_into_an_interleaved_tensor() -> None:
    planes = np.full((3, 4, 6), 128, np.float32)
    tensor = np.zeros((1, 4, 6, 3), np.float32)
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    full = Colour(Matrix.BT601, Range.FULL)
    cpu.planes_to_tensor(planes, full, zero, one, np.moveaxis(tensor[0], 2, 0))
    assert np.abs(tensor - 128).max() < 1e-3
