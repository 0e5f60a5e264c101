"""Steadying against its formula, refinement against the guided filter's definition."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.media.frame import F32, Rect
from appliance.pixels import cpu


def planes(seed: int, rows: int = 40, columns: int = 60) -> tuple[F32, F32]:
    """A luma and an alpha plane."""
    rng = np.random.default_rng(seed)
    luma = cv2.blur((255 * rng.random((rows, columns))).astype(np.float32), (3, 3))
    return luma, cv2.blur(rng.random((rows, columns)).astype(np.float32), (3, 3))


def picture(seed: int) -> F32:
    """Y, Cb and Cr."""
    return np.stack([planes(seed + 10 * channel)[0] for channel in range(3)])


def test_formula() -> None:
    (_, alpha), (_, previous) = planes(1), planes(2)
    now = picture(1)
    before = now + (picture(2) - 127) / 30
    change = np.abs(now - before)
    change = change[0] + (change[1] + change[2]) / 2
    motion = np.clip((cv2.blur(change, (3, 3)) - 1.5) / 4.5, 0, 1)
    want = motion * alpha + (1 - motion) * (0.8 * previous + 0.2 * alpha)
    got = alpha.copy()
    moved = cpu.motion(now, before, 1.5, 6.0)
    assert np.abs(moved - motion).max() < 1e-5
    cpu.steady(got, previous, moved, 0.8)
    assert np.abs(got - want).max() < 1e-5
    assert 0 < motion.mean() < 1


def test_no_history_means_no_smoothing() -> None:
    now, (_, alpha) = picture(1), planes(1)
    got = alpha.copy()
    nowhere = np.full_like(now, -1000)
    cpu.steady(got, np.zeros_like(alpha), cpu.motion(now, nowhere, 1.5, 6.0), 0.9)
    assert np.array_equal(got, alpha)


def test_equal_thresholds_do_not_divide_by_zero() -> None:
    now = picture(1)
    assert not cpu.motion(now, now, 3.0, 3.0).any()
    assert (cpu.motion(now, now + 4, 3.0, 3.0) == 1).all()


def test_what_moves_in_chroma_alone_has_moved() -> None:
    """Grey hair before a green wall as light as it: luma stands still."""
    before = np.full((3, 40, 60), 128, np.float32)
    now = before.copy()
    now[1:, :, 30:] -= 60
    moved = cpu.motion(now, before, 1.5, 6.0)
    assert (moved[:, 32:] == 1).all()
    assert not moved[:, :28].any()


def test_resample_follows_the_frame() -> None:
    """A linear ramp over the frame's columns stays that ramp on another ROI's grid."""
    source, target = Rect(100, 50, 256, 144), Rect(150, 60, 128, 72)
    x = source.x + (np.arange(64) + 0.5) * 4
    plane = np.tile(x, (36, 1)).astype(np.float32)
    got = cpu.resample(plane, source, target, (36, 64), -1)
    want = target.x + (np.arange(64) + 0.5) * 2
    assert np.abs(got - want).max() < 0.2
    assert cpu.resample(plane, source, source, (36, 64), -1) is plane


def test_planes_are_resampled_each_by_itself() -> None:
    many, source, target = picture(2), Rect(0, 0, 120, 80), Rect(20, 10, 90, 60)
    got = cpu.resample(many, source, target, (30, 45), -1000)
    for plane, want in zip(got, many, strict=True):
        assert np.array_equal(plane, cpu.resample(want, source, target, (30, 45), -1000))
    assert cpu.resample(many, source, source, (40, 60), 0) is many


def test_resample_marks_what_was_outside() -> None:
    plane = np.full((10, 10), 7, np.float32)
    got = cpu.resample(plane, Rect(0, 0, 100, 100), Rect(50, 0, 100, 100), (10, 10), -1000)
    assert np.allclose(got[:, :4], 7)
    assert (got[:, 6:] < 0).all()


@pytest.mark.parametrize("radius", [1, 3, 8])
def test_guided_filter_is_its_definition(radius: int) -> None:
    """Window by window in float64: equations 5, 6 and 8 of the paper."""
    luma, alpha = planes(3)
    out = np.empty((2, *luma.shape), np.float32)
    cpu.guided_coefficients(luma, alpha, radius, 1e-3, out)

    def box(plane: np.ndarray) -> np.ndarray:
        padded = np.pad(plane, radius, mode="reflect")
        view = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1,) * 2)
        return np.asarray(view.mean(axis=(2, 3)))

    i, p = luma.astype(np.float64) / 255, alpha.astype(np.float64)
    a = (box(i * p) - box(i) * box(p)) / (box(i * i) - box(i) ** 2 + 1e-3)
    b = box(p) - a * box(i)
    assert np.abs(out[0] * 255 - box(a)).max() < 1e-3
    assert np.abs(out[1] - box(b)).max() < 1e-3


def test_refined_edge_follows_the_picture() -> None:
    """A disc's matte known at an eighth of the size: refined, it is nearer the truth."""
    y, x = np.mgrid[:288, :512].astype(np.float32)
    truth = np.clip(100.5 - np.hypot(x - 250, y - 140), 0, 1)
    rng = np.random.default_rng(0)
    luma = (60 + 120 * truth + rng.normal(0, 2, truth.shape)).astype(np.float32)
    small = cv2.resize(truth, (64, 36), interpolation=cv2.INTER_AREA)
    guide = cv2.resize(luma, (64, 36), interpolation=cv2.INTER_AREA)
    out = np.empty((2, 36, 64), np.float32)
    cpu.guided_coefficients(guide, small, 1, 1e-4, out)
    a, b = (cv2.resize(plane, (512, 288)) for plane in out)
    refined, plain = np.clip(a * luma + b, 0, 1), cv2.resize(small, (512, 288))
    assert np.abs(refined - truth).mean() < 0.6 * np.abs(plain - truth).mean()


def test_foreground_shift_recovers_the_colour() -> None:
    """Constant F and B: I + (1-a)(F-B) is F exactly, wherever the window sees both."""
    alpha = np.clip((np.arange(64, dtype=np.float32) - 20) / 24, 0, 1)[None].repeat(40, 0)
    front, back = np.array([180, 90, 150]), np.array([60, 160, 100])
    image = (alpha * front[:, None, None] + (1 - alpha) * back[:, None, None]).astype(np.float32)
    out = np.empty((3, 40, 64), np.float32)
    cpu.foreground_shift(image, alpha, 12, out)
    recovered = image + (1 - alpha) * out
    soft = (alpha > 0.2) & (alpha < 0.8)
    error = np.abs(recovered - front[:, None, None])[:, soft].max()
    stained = np.abs(image - front[:, None, None])[:, soft].max()
    assert error < 0.5 * stained


def test_foreground_shift_is_nothing_where_there_is_no_edge() -> None:
    luma, _ = planes(1)
    image = np.stack([luma] * 3)
    out = np.empty_like(image)
    for value in (0.0, 1.0):
        cpu.foreground_shift(image, np.full_like(luma, value), 3, out)
        assert not out.any()
