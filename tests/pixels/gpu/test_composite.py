"""The composite, emulated, against ``cpu.Compositor``.

Tolerance: one step of 255, and equal in all but one pixel in a thousand: both compute in float32
but in different order, so only values right between two bytes may differ.
"""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels import cpu
from appliance.pixels.gpu import VERDICT, Matte, composite
from tests.kernels import driver
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_composite import rects
from tests.pixels.frames import noise

SIZES = [(2, 2), (18, 34), (34, 18), (64, 36), (130, 74), (322, 182)]
# Row padding and plane offset: aligned to 16, to 4, to 2, not at all.
LAYOUTS = [(0, 0), (14, 16), (12, 4), (3, 1), (30, 2)]


def close(got: U8, want: U8, where: object) -> None:
    difference = np.abs(got.astype(int) - want)
    assert difference.max() <= 1, where
    assert (difference > 0).sum() <= max(1, got.size // 1000), where


def device_matte(memory: Memory, matte: cpu.Matte, verdict: int = 0) -> Matte:
    shift = memory.plane(matte.coefficients[2:]) if matte.shifted else None
    coefficients = memory.plane(matte.coefficients[:2])
    return Matte(matte.rect, coefficients, coefficients.plane(1), shift, matte.levels, verdict)


def compare(
    memory: Memory, width: int, height: int, matte: cpu.Matte | None, *, pad: int = 0,
    offset: int = 0, fraction: float = 1 / 9,
    want_matte: bool = True,
) -> Frame:  # fmt: skip
    frame, background = noise(width, height, 1), noise(width, height, 2)
    want, alpha = noise(width, height, 3), np.empty((height, width), np.uint8)
    cpu.Compositor()(frame, background, matte, want, feather_fraction=fraction, matte_out=alpha)
    out = memory.picture(noise(width, height, 4), pad, offset)
    matte_rows = memory.rows(np.full((height, width), 77, np.uint8), pad, offset)
    composite(
        memory.context, memory.picture(frame, pad, offset).surface,
        memory.picture(background, pad, offset).surface,
        device_matte(memory, matte) if matte else None, out.surface,
        feather_fraction=fraction,
        matte_out=matte_rows.address if want_matte else 0, matte_pitch=matte_rows.pitch,
    )  # fmt: skip
    got = out.read()
    where = (width, height, pad, offset, matte and matte.rect)
    close(got.y, want.y, where)
    close(got.uv, want.uv, where)
    close(matte_rows.read(), alpha if want_matte else np.full_like(alpha, 77), where)
    return got


def coefficients(rng: np.random.Generator, rows: int, columns: int) -> F32:
    return np.stack(
        [
            rng.normal(0, 0.004, (rows, columns)),
            rng.uniform(-0.2, 1.2, (rows, columns)),
            *rng.normal(0, 60, (3, rows, columns)),
        ]
    ).astype(np.float32)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_equals_the_oracle(memory: Memory, width: int, height: int) -> None:
    rng = np.random.default_rng(3)
    for k, rect in enumerate(rects(width, height)):
        for shifted in (False, True):
            rows, columns = int(rng.integers(1, 20)), int(rng.integers(1, 40))
            matte = cpu.Matte(rect, coefficients(rng, rows, columns), shifted, levels=0.1 * (k % 2))
            pad, offset = LAYOUTS[k]
            compare(memory, width, height, matte, pad=pad, offset=offset, want_matte=k != 1)


@pytest.mark.parametrize("columns", [160, 170, 300])
def test_a_grid_nearly_as_fine_as_the_picture(memory: Memory, columns: int) -> None:
    """From more than 160 columns under a block on, another kernel."""
    rng = np.random.default_rng(11)
    matte = cpu.Matte(Rect(6, 2, 300, 32), coefficients(rng, 20, columns), True, levels=0.05)
    driver.log.launches.clear()
    compare(memory, 322, 36, matte, pad=2)
    if memory.context.driver is driver:
        fine = "composite_fine" in driver.log.launches
        assert fine == (columns > 160)


@pytest.mark.parametrize(("pad", "offset"), LAYOUTS)
def test_rois_at_every_border(memory: Memory, pad: int, offset: int) -> None:
    """Every even column as the ROI's left and right edge within the 16 that a thread handles."""
    rng = np.random.default_rng(5)
    for left in range(0, 20, 2):
        for right in (left + 2, left + 14, left + 30, 66):
            rect = Rect(left, left, min(right, 66) - left, 20)
            matte = cpu.Matte(rect, coefficients(rng, 5, 9), True, levels=0.05)
            compare(memory, 66, 40, matte, pad=pad, offset=offset, fraction=0.3)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.5])
def test_feathers(memory: Memory, fraction: float) -> None:
    matte = cpu.Matte(Rect(10, 4, 48, 28), coefficients(np.random.default_rng(1), 4, 6), True)
    compare(memory, 64, 36, matte, fraction=fraction)


@pytest.mark.parametrize("columns", [1, 2, 7, 16])
def test_small_mattes_anywhere(memory: Memory, columns: int) -> None:
    """What alpha cannot affect is skipped; the result must not show it."""
    rng = np.random.default_rng(0)
    for _ in range(12):
        some = np.zeros((5, 9, columns), np.float32)
        y, x = rng.integers(0, 9), rng.integers(0, columns)
        some[1, y : y + 3, x : x + 2] = rng.uniform(0, 1.5)
        some[0, y : y + 1, x : x + 1] = rng.normal(0, 0.01)
        some[2:] = rng.normal(0, 40, (3, 9, columns))
        compare(memory, 130, 74, cpu.Matte(Rect(14, 6, 90, 50), some, True, 0.05))


def test_no_matte_is_the_background_alone(memory: Memory) -> None:
    got = compare(memory, 64, 36, None)
    assert np.array_equal(got.y, noise(64, 36, 2).y)


@pytest.mark.parametrize(
    ("count", "refused", "peak", "shows"),
    [(1, 0, 0, True), (0, 0, 0.5, True), (0, 0, 0.003, False), (1, 1, 1, False), (1, 2, 1, False)],
)
def test_the_room_never_leaks(
    memory: Memory, count: int, refused: int, peak: float, shows: bool
) -> None:
    """A refused or empty matte shows the background, even if alpha says otherwise."""
    frame, background, out = noise(64, 36, 1), noise(64, 36, 2), memory.picture(noise(64, 36, 3))
    opaque = np.zeros((5, 4, 8), np.float32)
    opaque[1] = 1
    verdict = np.zeros(1, VERDICT)
    verdict["count"], verdict["refused"], verdict["peak"] = count, refused, peak
    address = memory.buffer(verdict).address
    composite(
        memory.context, memory.picture(frame).surface, memory.picture(background).surface,
        device_matte(memory, cpu.Matte(frame.rect, opaque, False), address), out.surface,
    )  # fmt: skip
    assert np.array_equal(out.read().y, (frame if shows else background).y)


def test_refuses_frames_that_do_not_fit(memory: Memory) -> None:
    small, large = (
        memory.picture(noise(64, 36, 1)).surface,
        memory.picture(noise(66, 36, 1)).surface,
    )
    with pytest.raises(ValueError, match="64x36 nv12, 66x36 nv12"):
        composite(memory.context, small, large, None, small)
    odd = memory.picture(noise(63, 36, 1)).surface
    with pytest.raises(ValueError, match="one even size"):
        composite(memory.context, odd, odd, None, odd)
    flat = np.zeros((5, 2, 2), np.float32)
    outside = device_matte(memory, cpu.Matte(Rect(0, 0, 66, 36), flat, False))
    with pytest.raises(ValueError, match="not inside"):
        composite(memory.context, small, small, outside, small)
