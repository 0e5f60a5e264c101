"""The oracles that came with the kernels, against their definitions in float64."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Frame, Matrix, Range, Rect
from appliance.media.rgb import matrix_of
from appliance.pixels import cpu
from tests.pixels import reference
from tests.pixels.frames import noise

FULL = Colour(Matrix.BT601, Range.FULL)
RECT = Rect(6, 4, 96, 60)


def packed(frame: Frame) -> np.ndarray:
    """A frame as YUYV; its chroma lines are repeated."""
    pixels = np.empty((frame.height, 2 * frame.width), np.uint8)
    pixels[:, 0::2] = frame.y
    pixels[:, 1::2] = frame.uv.reshape(frame.uv.shape[0], -1).repeat(2, 0)
    return pixels


@pytest.mark.parametrize(("rows", "columns"), [(30, 48), (17, 31), (1, 1)])
def test_crop_yuyv_is_crop_planes(rows: int, columns: int) -> None:
    """The same picture in both layouts."""
    frame = noise(130, 74, 1)
    want, got = (np.empty((3, rows, columns), np.float32) for _ in range(2))
    cpu.crop_planes(frame, RECT, want)
    cpu.crop_yuyv(packed(frame), RECT, got)
    assert np.abs(got - want).max() < 1e-3


@pytest.mark.parametrize("colour", [FULL, Colour()])
def test_crop_bgrx_is_its_definition(colour: Colour) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (74, 130, 4), np.uint8)
    out = np.empty((3, 17, 31), np.float32)
    cpu.crop_bgrx(pixels, RECT, colour, out)
    part = pixels[RECT.y : RECT.bottom, RECT.x : RECT.right].astype(np.float64)
    b, g, r = (reference.area(part[..., c], 17, 31) for c in range(3))
    assert np.abs(reference.to_rgb(*out.astype(np.float64), colour) - [r, g, b]).max() < 1e-2


@pytest.mark.parametrize("colour", [FULL, Colour()])
def test_matrices_are_inverse(colour: Colour) -> None:
    there = np.vstack([cpu.bgr_to_yuv(colour), [0, 0, 0, 1]]).astype(np.float64)
    back = np.vstack([cpu.yuv_to_bgr(colour), [0, 0, 0, 1]]).astype(np.float64)
    assert np.abs(there @ back - np.eye(4)).max() < 1e-3
    matrix, offset = matrix_of(colour)
    assert np.allclose(there[:3, 2::-1], matrix)
    assert np.allclose(there[:3, 3], offset)


def test_yuyv_to_nv12_takes_the_same_picture_back() -> None:
    frame, out = noise(130, 74, 1), noise(130, 74, 2)
    cpu.yuyv_to_nv12(packed(frame), out)
    assert np.array_equal(out.y, frame.y)
    assert np.array_equal(out.uv, frame.uv)


def test_overlay_is_its_definition() -> None:
    rng = np.random.default_rng(0)
    frame, before = noise(64, 36, 1), noise(64, 36, 1)
    alpha = rng.integers(0, 256, (8, 12)).astype(np.uint8)
    luma = (alpha * rng.random((8, 12))).astype(np.uint8)
    mean = alpha.reshape(4, 2, 6, 2).mean(axis=(1, 3))
    chroma = (mean[..., None] * rng.random((4, 6, 2))).astype(np.uint8)
    cpu.blend_overlay(frame, cpu.Overlay(10, 6, luma, chroma, alpha))
    want_y, want_uv = before.y.astype(np.float64), before.uv.astype(np.float64)
    part_y, part_uv = want_y[6:14, 10:22], want_uv[3:7, 5:11]
    part_y[:] = luma + (1 - alpha / 255) * part_y
    part_uv[:] = chroma + (1 - mean[..., None] / 255) * part_uv
    assert np.abs(frame.y - want_y).max() <= 0.51
    assert np.abs(frame.uv - want_uv).max() <= 0.51


@pytest.mark.parametrize(
    ("rect", "words"), [(Rect(0, 0, 132, 74), "not inside"), (Rect(1, 0, 64, 36), "even")]
)
def test_crops_refuse_what_cannot_be_cut(rect: Rect, words: str) -> None:
    out = np.empty((3, 9, 16), np.float32)
    with pytest.raises(ValueError, match=words):
        cpu.crop_yuyv(np.zeros((74, 260), np.uint8), rect, out)
    with pytest.raises(ValueError, match=words):
        cpu.crop_bgrx(np.zeros((74, 130, 4), np.uint8), rect, FULL, out)
