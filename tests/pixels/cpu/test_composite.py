"""The composite against its definition in float64."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, Rect
from appliance.pixels import cpu
from tests.pixels import reference
from tests.pixels.frames import noise

SIZES = [(2, 2), (34, 18), (64, 36), (130, 74), (322, 182)]


def rects(width: int, height: int) -> list[Rect]:
    """The whole frame, one block in each corner and in the middle, one even row, one column."""
    w, h = max(2, width // 4 * 2), max(2, height // 4 * 2)
    return [
        Rect(0, 0, width, height),
        Rect(0, 0, w, h),
        Rect(width - w, height - h, w, h),
        Rect(width // 4 * 2, 0, 2, height),
        Rect(0, height // 4 * 2, width, 2),
    ]


@pytest.mark.parametrize("pad", [0, 3, 64])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_equals_the_definition(width: int, height: int, pad: int) -> None:
    frame, background = noise(width, height, 1, pad), noise(width, height, 2, pad)
    rng = np.random.default_rng(3)
    compositor = cpu.Compositor()
    for rect in rects(width, height):
        rows, columns = int(rng.integers(1, 20)), int(rng.integers(1, 40))
        coefficients = np.stack(
            [
                rng.normal(0, 0.004, (rows, columns)),
                rng.uniform(-0.2, 1.2, (rows, columns)),
                *rng.normal(0, 60, (3, rows, columns)),
            ]
        )
        out, matte = noise(width, height, 4, pad), np.empty((height, width), np.uint8)
        given = cpu.Matte(rect, coefficients.astype(np.float32), True, levels=0.1)
        compositor(
            frame, background, given, out,
            feather_fraction=1 / 9, matte_out=matte,
        )  # fmt: skip
        want_y, want_uv, weight = reference.composite(
            frame, background, rect, coefficients, 1 / 9, 0.1
        )
        assert np.abs(out.y - want_y).max() <= 0.51, rect
        assert np.abs(out.uv - want_uv).max() <= 0.51, rect
        assert np.abs(matte - 255 * weight).max() <= 0.51, rect


@pytest.mark.parametrize("levels", [0.0, 0.05])
@pytest.mark.parametrize("columns", [1, 2, 7, 16])
def test_small_mattes_anywhere(columns: int, levels: float) -> None:
    """Rows and columns without alpha are skipped; the result must not show it."""
    frame, background = noise(130, 74, 1, 3), noise(130, 74, 2, 3)
    rng = np.random.default_rng(0)
    compositor = cpu.Compositor()
    for _ in range(40):
        coefficients = np.zeros((5, 9, columns))
        y, x = rng.integers(0, 9), rng.integers(0, columns)
        coefficients[1, y : y + 3, x : x + 2] = rng.uniform(0, 1.5)
        coefficients[0, y : y + 1, x : x + 1] = rng.normal(0, 0.01)
        coefficients[2:] = rng.normal(0, 40, (3, 9, columns))
        out, rect = noise(130, 74, 4), Rect(14, 6, 90, 50)
        given = cpu.Matte(rect, coefficients.astype(np.float32), True, levels)
        compositor(frame, background, given, out)
        want_y, want_uv, _ = reference.composite(
            frame, background, rect, coefficients, 1 / 9, levels
        )
        assert np.abs(out.y - want_y).max() <= 0.51
        assert np.abs(out.uv - want_uv).max() <= 0.51


def test_no_matte_is_the_background_alone() -> None:
    frame, background, out = noise(64, 36, 1), noise(64, 36, 2), noise(64, 36, 3)
    cpu.Compositor()(frame, background, None, out)
    assert np.array_equal(out.y, background.y)
    assert np.array_equal(out.uv, background.uv)


def test_no_colour_correction_when_not_shifted() -> None:
    """Scratch memory from an earlier, shifted frame must not show through."""
    frame, background, out = noise(64, 36, 1), noise(64, 36, 2), noise(64, 36, 3)
    coefficients = np.zeros((5, 9, 16), np.float32)
    coefficients[1], coefficients[2:] = 0.5, 100
    compositor = cpu.Compositor()
    compositor(frame, background, cpu.Matte(frame.rect, coefficients, True), out)
    compositor(frame, background, cpu.Matte(frame.rect, coefficients, False), out)
    plain = coefficients.astype(np.float64)
    plain[2:] = 0
    want_y, want_uv, _ = reference.composite(frame, background, frame.rect, plain, 1 / 9)
    assert np.abs(out.y - want_y).max() <= 0.51
    assert np.abs(out.uv - want_uv).max() <= 0.51


def test_person_cut_by_the_frames_edge_does_not_fade_there() -> None:
    frame, background, out = noise(64, 36, 1), noise(64, 36, 2), noise(64, 36, 3)
    opaque = np.zeros((5, 9, 16), np.float32)
    opaque[1] = 1
    cpu.Compositor()(frame, background, cpu.Matte(Rect(0, 6, 40, 30), opaque, False), out)
    assert np.array_equal(out.y[35, :30], frame.y[35, :30])
    assert np.array_equal(out.y[6], background.y[6])
    assert np.array_equal(out.y[:, 39], background.y[:, 39])


def test_refuses_frames_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="64x36 over 66x36 into 64x36"):
        cpu.Compositor()(noise(64, 36, 1), noise(66, 36, 2), None, noise(64, 36, 3))
    odd = noise(63, 36, 1)
    with pytest.raises(ValueError, match="one even size"):
        cpu.Compositor()(odd, odd, None, odd)


def blob(rows: int, columns: int, seed: int) -> F32:
    """A body with a hole and a soft outline, as coefficients: most of it exactly 0 or 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]
    away = np.hypot((x - columns * 0.45) / columns * 2.4, (y - rows * 0.55) / rows * 1.7)
    hole = np.hypot((x - columns * 0.4) / columns * 9, (y - rows * 0.5) / rows * 7)
    alpha = np.clip((0.8 - away) * 6, 0, 1) * np.clip((hole - 0.6) * 3, 0, 1)
    soft = (alpha > 0) & (alpha < 1)
    a = soft * rng.normal(0, 0.002, (rows, columns))
    shift = soft * rng.normal(0, 40, (3, rows, columns))
    return np.concatenate([[a], [alpha], shift]).astype(np.float32)


@pytest.mark.parametrize("levels", [0.0, 0.05])
@pytest.mark.parametrize(
    "rect", [Rect(0, 0, 322, 182), Rect(34, 26, 250, 130), Rect(0, 60, 322, 2)]
)
@pytest.mark.parametrize("grid", [(1, 1), (2, 3), (23, 41), (160, 288), (400, 90)])
def test_copies_are_what_arithmetic_would_give(
    grid: tuple[int, int], rect: Rect, levels: float
) -> None:
    """Where alpha is 0 or 1 throughout, rows are copied: up to the edge, the hole and the ramp."""
    frame, background = noise(322, 182, 1, 3), noise(322, 182, 2, 64)
    compositor = cpu.Compositor()
    for ramp in (0.0, 1 / 9, 0.5):
        coefficients = blob(*grid, seed=5)
        out, matte = noise(322, 182, 4, 0), np.full((182, 322), 7, np.uint8)
        given = cpu.Matte(rect, coefficients, True, levels=levels)
        compositor(frame, background, given, out, feather_fraction=ramp, matte_out=matte)
        want_y, want_uv, weight = reference.composite(
            frame, background, rect, coefficients, ramp, levels
        )
        assert np.abs(out.y - want_y).max() <= 0.51
        assert np.abs(out.uv - want_uv).max() <= 0.51
        assert np.abs(matte - 255 * weight).max() <= 0.51


@pytest.mark.parametrize("around", [0.0, 1.0])
@pytest.mark.parametrize("plane", [0, 1, 2, 3, 4])
def test_where_a_coefficient_is_no_number_nobody_is_seen(plane: int, around: float) -> None:
    """Or at most what would be there without: never a black spot, never the room."""
    frame, background, out = noise(64, 36, 1), noise(64, 36, 2), noise(64, 36, 3)
    for one, value in ((frame, 200), (background, 50)):
        one.y[:], one.uv[:] = value, value
    coefficients = np.zeros((5, 9, 16), np.float32)
    coefficients[1], coefficients[plane, 4, 8] = around, np.nan
    cpu.Compositor()(frame, background, cpu.Matte(frame.rect, coefficients, plane > 1), out)
    for got in (out.y, out.uv):
        assert set(np.unique(got)) <= ({50} if around == 0 else {50, 200})
