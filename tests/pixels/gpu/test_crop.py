"""Crop, emulated, against ``cpu.crop_planes``, ``crop_yuyv``, ``crop_bgrx``, ``planes_to_tensor``.

Tolerances, of values 0..255: 0.02 for means of up to a frame's pixels (float32 sums in another
order), 0.05 for the tensor before scaling; fp16 adds half a unit of its last place.
"""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, Colour, Matrix, Range, Rect
from appliance.pixels import cpu
from appliance.pixels.gpu import Scratch, Surface, Tensor, crop_planes, fill_black
from tests.kernels.memory import Memory
from tests.pixels.frames import noise

MEAN = np.array([127.5, 120, 110], np.float32)
SCALE = np.array([1 / 127.5, 1 / 64, 0.02], np.float32)
FULL = Colour(Matrix.BT601, Range.FULL)

# Frame, grid (rows, columns): shrinking, growing, mixed, one row, one column, equal, odd grids.
CASES = [
    ((64, 36), (18, 32)), ((130, 74), (36, 64)), ((34, 18), (18, 34)), ((64, 36), (7, 13)),
    ((64, 36), (1, 5)), ((64, 36), (5, 1)), ((20, 12), (18, 32)), ((90, 30), (20, 70)),
    ((2, 2), (1, 1)), ((2, 2), (4, 4)), ((322, 182), (144, 256)), ((1000, 6), (3, 2)),
    ((4000, 4), (2, 3)),
]  # fmt: skip


def rects(width: int, height: int) -> list[Rect]:
    """The whole, a part at each border, a part in the middle."""
    w, h = max(2, width // 4 * 2), max(2, height // 4 * 2)
    return [
        Rect(0, 0, width, height),
        Rect(width - w, 0, w, h),
        Rect(0, height - h, w, h),
        Rect(width // 4 // 2 * 2, height // 4 // 2 * 2, w, h),
    ]


def scratch_for(
    memory: Memory, rows: int, columns: int, colour: Colour, *, bgr: bool = False
) -> Scratch:
    return Scratch(memory.context, rows, columns, colour=colour, mean=MEAN, scale=SCALE, bgr=bgr)


def check(
    memory: Memory, surface: Surface, rect: Rect, want: F32, colour: Colour, *, half: bool,
    bgr: bool,
) -> None:  # fmt: skip
    rows, columns = want.shape[1:]
    out = memory.empty(3, rows, columns)
    dtype = np.float16 if half else np.float32
    whole = np.full((3, rows + 3, columns + 5), 7, dtype)
    buffer = memory.buffer(whole)
    tensor = Tensor(buffer.address, rows + 3, columns + 5, half)
    scratch = scratch_for(memory, rows, columns, colour, bgr=bgr)
    crop_planes(scratch, surface, rect, out, tensor, 4, 1)
    got = memory.read(out, 3)
    assert np.abs(got - want).max() < 0.02, rect
    normalised = np.empty_like(want)
    cpu.planes_to_tensor(want, colour, MEAN, SCALE, normalised, bgr=bgr)
    read = memory.read_as(buffer, whole.shape, dtype).astype(np.float32)
    inner = read[:, 1 : rows + 1, 4 : columns + 4]
    error = np.abs(inner - normalised) / SCALE[:, None, None]
    assert error.max() < (0.25 if half else 0.05), rect
    read[:, 1 : rows + 1, 4 : columns + 4] = 7
    assert (read == 7).all()


@pytest.mark.parametrize(("size", "shape"), CASES)
def test_nv12(memory: Memory, size: tuple[int, int], shape: tuple[int, int]) -> None:
    for k, rect in enumerate(rects(*size)):
        pad, offset = [(0, 0), (3, 1), (64, 16), (6, 2)][k]
        frame = noise(*size, k, colour=FULL if k & 1 else Colour())
        want = np.empty((3, *shape), np.float32)
        cpu.crop_planes(frame, rect, want)
        surface = memory.picture(frame, pad, offset).surface
        check(memory, surface, rect, want, frame.colour, half=k == 2, bgr=k == 3)


@pytest.mark.parametrize(("size", "shape"), CASES)
def test_yuyv(memory: Memory, size: tuple[int, int], shape: tuple[int, int]) -> None:
    width, height = size
    for k, rect in enumerate(rects(width, height)):
        pixels = np.random.default_rng(k).integers(0, 256, (height, 2 * width), np.uint8)
        want = np.empty((3, *shape), np.float32)
        cpu.crop_yuyv(pixels, rect, want)
        rows = memory.rows(pixels, *[(0, 0), (3, 1), (8, 4), (2, 2)][k])
        surface = Surface("yuyv", width, height, rows.address, rows.pitch)
        check(memory, surface, rect, want, Colour(), half=k == 2, bgr=False)


@pytest.mark.parametrize(("size", "shape"), CASES)
def test_bgrx(memory: Memory, size: tuple[int, int], shape: tuple[int, int]) -> None:
    width, height = size
    for k, rect in enumerate(rects(width, height)):
        pixels = np.random.default_rng(k).integers(0, 256, (height, width, 4), np.uint8)
        want = np.empty((3, *shape), np.float32)
        cpu.crop_bgrx(pixels, rect, FULL, want)
        rows = memory.rows(pixels.reshape(height, -1), *[(0, 0), (3, 1), (8, 4), (2, 2)][k])
        surface = Surface("bgrx", width, height, rows.address, rows.pitch)
        check(memory, surface, rect, want, FULL, half=k == 2, bgr=True)


@pytest.mark.parametrize("half", [False, True])
def test_bars_are_black(memory: Memory, half: bool) -> None:
    whole = np.full((3, 9, 17), 7, np.float16 if half else np.float32)
    buffer = memory.buffer(whole)
    fill_black(scratch_for(memory, 9, 17, FULL), Tensor(buffer.address, 9, 17, half))
    got = memory.read_as(buffer, whole.shape, whole.dtype).astype(np.float32)
    want = (0 - MEAN) * SCALE
    assert np.abs(got - want[:, None, None]).max() < 2e-3


def test_refuses_what_cannot_be_cut(memory: Memory) -> None:
    surface = memory.picture(noise(64, 36, 0)).surface
    scratch = scratch_for(memory, 18, 32, FULL)
    for rect, words in (
        (Rect(0, 0, 66, 36), "not inside"),
        (Rect(1, 0, 32, 18), "even"),
        (Rect(0, 0, 0, 18), "not inside"),
    ):
        with pytest.raises(ValueError, match=words):
            crop_planes(scratch, surface, rect, memory.empty(3, 18, 32))
    with pytest.raises(ValueError, match="memory was taken for 32x18"):
        crop_planes(scratch, surface, surface.rect, memory.empty(3, 20, 32))
