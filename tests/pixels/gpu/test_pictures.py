"""Paste, blur and conversions, emulated, against ``cpu``.

Tolerances, of 255: paste and conversions one step, in one value in a thousand; blur two, since
OpenCV's Gaussian on bytes works in fixed point.
"""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import U8, Colour, Format, Frame, Matrix, Range
from appliance.media.rgb import nv12_to_rgb
from appliance.pixels import cpu
from appliance.pixels.gpu import (
    Blur,
    Matrices,
    Surface,
    bgrx_to_nv12,
    nv12_to_bgrx,
    paste,
    paste_nv12,
    yuyv_to_nv12,
)
from tests.kernels.memory import Memory
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import close

FULL = Colour(Matrix.BT601, Range.FULL)
PLACES = [(0, 0), (5, 3), (-9, -4), (60, 30), (500, 0), (-200, 7), (79, 47), (-36, -20), (1, 0)]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("x", "y"), PLACES)
def test_paste(memory: Memory, x: int, y: int, channels: int) -> None:
    rng = np.random.default_rng(1)
    patch = rng.integers(0, 256, (21, 37, channels), np.uint8)
    for k, ramp in enumerate((None, 0, 3, 40, 2.5)):
        picture = rng.integers(0, 256, (48, 80, channels), np.uint8)
        pad, offset = [(0, 0), (3, 1), (64, 2), (5, 3), (4, 4)][k]
        rows = memory.rows(picture.reshape(48, -1), pad, offset)
        over = memory.rows(patch.reshape(21, -1), (pad + 1) % 4, (offset + k) % 4)
        paste(
            memory.context, rows.address, rows.pitch, (80, 48), over.address, over.pitch,
            (37, 21), channels, x, y, ramp,
        )  # fmt: skip
        cpu.paste(picture, patch, x, y, ramp)
        close(rows.read().reshape(picture.shape), picture, (ramp, pad))


@pytest.mark.parametrize(("w", "h"), [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_paste_of_the_smallest(memory: Memory, w: int, h: int) -> None:
    rng = np.random.default_rng(1)
    for x in range(-1, 12):
        picture = rng.integers(0, 256, (11, 13, 3), np.uint8)
        patch = rng.integers(0, 256, (h, w, 3), np.uint8)
        rows, over = memory.rows(picture.reshape(11, -1)), memory.rows(patch.reshape(h, -1))
        paste(
            memory.context, rows.address, rows.pitch, (13, 11), over.address, over.pitch, (w, h),
            3, x, 5, 0,
        )  # fmt: skip
        cpu.paste(picture, patch, x, 5, 0)
        assert np.array_equal(rows.read().reshape(picture.shape), picture)


@pytest.mark.parametrize(
    ("x", "y"), [(10, 8), (11, 8), (10, 9), (11, 9), (-3, -5), (55, 33), (-20, 0), (-21, -13)]
)
@pytest.mark.parametrize(("w", "h"), [(20, 12), (21, 13), (1, 1)])
@pytest.mark.parametrize(("width", "height"), [(64, 40), (63, 39)])
def test_paste_into_nv12(
    memory: Memory, x: int, y: int, w: int, h: int, width: int, height: int
) -> None:
    for k, ramp in enumerate((None, 0, 3)):
        frame, patch = noise(width, height, 1), noise(w, h, 2)
        picture = memory.picture(frame, k, k)
        paste_nv12(memory.context, picture.surface, memory.picture(patch, 3, 1).surface, x, y, ramp)
        cpu.paste_nv12(frame, patch, x, y, ramp)
        got = picture.read()
        close(got.y, frame.y, ramp)
        close(got.uv, frame.uv, ramp)


@pytest.mark.parametrize(("x", "y"), [(10, 8), (11, 9), (-3, -5), (55, 33)])
def test_paste_of_a_masked_patch(memory: Memory, x: int, y: int) -> None:
    mask = np.random.default_rng(3).integers(0, 256, (13, 21), np.uint8)
    for k, ramp in enumerate((None, 0)):
        frame, patch = noise(63, 39, 1), noise(21, 13, 2)
        picture, weights = memory.picture(frame, k, k), memory.rows(mask, 3, 1)
        over = memory.picture(patch, 3, 1).surface
        paste_nv12(
            memory.context, picture.surface, over, x, y, ramp, weights.address, weights.pitch
        )
        cpu.paste_nv12(frame, patch, x, y, ramp, mask)
        got = picture.read()
        close(got.y, frame.y, ramp)
        close(got.uv, frame.uv, ramp)


def test_paste_refuses_nonsense(memory: Memory) -> None:
    frame = memory.picture(noise(16, 16, 1)).surface
    other = memory.picture(noise(8, 8, 1, colour=FULL)).surface
    with pytest.raises(ValueError, match="convert the patch first"):
        paste_nv12(memory.context, frame, other, 0, 0)
    for channels, ramp in ((0, 1), (5, 1), (3, -1), (3, float("nan"))):
        with pytest.raises(ValueError, match="expected 1 to 4"):
            paste(memory.context, 0, 0, (4, 4), 0, 0, (4, 4), channels, 0, 0, ramp)


def smooth(width: int, height: int) -> Frame:
    """A picture with soft and hard edges, since noise would just blur to grey."""
    y, x = np.mgrid[:height, :width]
    luma = np.where((x // 13 + y // 9) % 2, 220, 30 + x % 50).astype(np.uint8)
    v, u = np.mgrid[: height // 2, : width // 2]
    chroma = np.stack([(u * 5) % 256, np.where(v % 20 < 10, 90, 200)], axis=2).astype(np.uint8)
    return Frame(luma, chroma)


@pytest.mark.parametrize("radius", [0.001, 0.03, 0.25])
@pytest.mark.parametrize(("width", "height"), [(2, 2), (34, 18), (130, 74), (322, 182)])
def test_blur(memory: Memory, width: int, height: int, radius: float) -> None:
    frame = smooth(width, height)
    format = Format(width, height)
    want = noise(width, height, 4)
    cpu.Blur(format, radius)(frame, want)
    out = memory.picture(noise(width, height, 3), 3, 1)
    Blur(memory.context, format, radius)(memory.picture(frame, 6, 2).surface, out.surface)
    got = out.read()
    assert np.abs(got.y.astype(int) - want.y).max() <= 2
    assert np.abs(got.uv.astype(int) - want.uv).max() <= 2


@pytest.mark.parametrize("colour", [FULL, Colour()])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 5), (64, 36), (131, 73)])
@pytest.mark.parametrize(("pad", "offset"), [(0, 0), (3, 1)])
def test_nv12_to_bgrx(
    memory: Memory, width: int, height: int, colour: Colour, pad: int, offset: int
) -> None:
    frame = noise(width, height, 1, colour=colour)
    want = np.empty((height, width, 4), np.uint8)
    cpu.nv12_to_bgrx(frame, want)
    rgb = nv12_to_rgb(frame)
    assert np.abs(want[..., 2::-1].astype(int) - rgb).max() <= 1
    out = memory.rows(np.zeros((height, 4 * width), np.uint8), pad, offset)
    surface = Surface("bgrx", width, height, out.address, out.pitch)
    picture = memory.picture(frame, pad, offset)
    nv12_to_bgrx(Matrices(memory.context, colour), picture.surface, surface)
    close(out.read().reshape(want.shape), want, colour)


def bgrx(width: int, height: int) -> U8:
    return np.random.default_rng(2).integers(0, 256, (height, width, 4), np.uint8)


@pytest.mark.parametrize(("width", "height"), [(2, 2), (6, 4), (64, 36), (130, 74)])
@pytest.mark.parametrize(("pad", "offset"), [(0, 0), (3, 1), (4, 4)])
def test_to_nv12(memory: Memory, width: int, height: int, pad: int, offset: int) -> None:
    matrices = Matrices(memory.context, Colour())
    want, out = noise(width, height, 3), memory.picture(noise(width, height, 4), pad, offset)
    pixels = bgrx(width, height)
    cpu.bgrx_to_nv12(pixels, want)
    rows = memory.rows(pixels.reshape(height, -1), pad, offset)
    bgrx_to_nv12(matrices, Surface("bgrx", width, height, rows.address, rows.pitch), out.surface)
    close(out.read().y, want.y, "bgrx")
    close(out.read().uv, want.uv, "bgrx")
    pixels = np.random.default_rng(4).integers(0, 256, (height, 2 * width), np.uint8)
    cpu.yuyv_to_nv12(pixels, want)
    rows = memory.rows(pixels, pad, offset)
    yuyv_to_nv12(
        memory.context, Surface("yuyv", width, height, rows.address, rows.pitch), out.surface
    )
    assert np.array_equal(out.read().y, want.y)
    assert np.array_equal(out.read().uv, want.uv)


def test_bgrx_there_and_back() -> None:
    """A picture smooth enough for 4:2:0 survives the round trip to within rounding."""
    y, x = np.mgrid[:36, :64]
    pixels = np.dstack([40 + x, 60 + y, 120 + x + y, 0 * x]).astype(np.uint8)
    frame, back = noise(64, 36, 1), np.empty((36, 64, 4), np.uint8)
    cpu.bgrx_to_nv12(pixels, frame)
    cpu.nv12_to_bgrx(frame, back)
    assert np.abs(back[..., :3].astype(int) - pixels[..., :3]).max() <= 4


def test_conversions_refuse_what_does_not_fit(memory: Memory) -> None:
    matrices = Matrices(memory.context, Colour())
    frame = memory.picture(noise(64, 36, 1)).surface
    with pytest.raises(ValueError, match="nv12 of 64x36 to nv12"):
        nv12_to_bgrx(matrices, frame, frame)
    with pytest.raises(ValueError, match="expected yuyv to nv12 of one size, even"):
        yuyv_to_nv12(memory.context, Surface("yuyv", 62, 36, 0, 0), frame)
    with pytest.raises(ValueError, match="expected"):
        cpu.nv12_to_bgrx(noise(64, 36, 1), np.empty((36, 62, 4), np.uint8))
    with pytest.raises(ValueError, match="even sides"):
        cpu.yuyv_to_nv12(np.empty((35, 126), np.uint8), noise(63, 35, 1))
    with pytest.raises(ValueError, match="cannot convert BGRx"):
        cpu.bgrx_to_nv12(np.empty((36, 62, 4), np.uint8), noise(64, 36, 1))
