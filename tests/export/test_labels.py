"""Labels against synthetic truth: the wall fit, trimap, solved alpha and empty scene."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from export.labels.fixed_camera import empty_scene, narrow_trimap
from export.labels.portraits import cut_out, difference_from, fit_wall, to_lab, trimap
from export.labels.steady import steady_labels
from export.labels.video import read_frames

SIZE = (160, 200)  # width, height


def wall() -> np.ndarray:
    """A blue-grey wall that darkens downwards and to the right, BGR uint8."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]] / 200.0
    shade = 1 - 0.35 * y - 0.1 * x**2
    return (np.array([190, 160, 120]) * shade[..., None]).astype(np.uint8)


def portrait() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, true alpha, and a coarse alpha like a segmenter's."""
    alpha = np.zeros((SIZE[1], SIZE[0]), np.float32)
    cv2.circle(alpha, (80, 80), 38, 1.0, -1)
    cv2.ellipse(alpha, (80, 200), (70, 92), 0, 180, 360, 1.0, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.2)
    person = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    person[:] = (60, 90, 170)
    person[120:] = (40, 30, 30)
    image = person * alpha[..., None] + wall() * (1 - alpha[..., None])
    grain = np.random.default_rng(0).normal(0, 1, image.shape)
    coarse = np.clip(cv2.GaussianBlur(alpha, (0, 0), 4) * 1.02, 0, 1)
    return np.clip(image + grain, 0, 255).astype(np.uint8), alpha, coarse


def test_wall_is_fitted_through_what_is_seen_of_it() -> None:
    image, alpha, _ = portrait()
    fitted, spread = fit_wall(to_lab(image), alpha == 0)
    true = to_lab(wall())
    assert np.abs(fitted - true).mean() < 1.0
    assert (spread < 3).all()
    with pytest.raises(ValueError, match="at least 500 expected"):
        fit_wall(to_lab(image), np.zeros(alpha.shape, bool))


def test_trimap_is_sure_only_where_it_may_be() -> None:
    image, alpha, coarse = portrait()
    lab = to_lab(image)
    fitted, spread = fit_wall(lab, alpha == 0)
    known = trimap(difference_from(lab, fitted, spread), coarse)
    assert np.quantile(alpha[known == 1], 0.01) > 0.9
    assert np.quantile(alpha[known == 0], 0.99) < 0.1
    assert 0.01 < (known == 0.5).mean() < 0.35


@pytest.mark.timeout(240)
@pytest.mark.skipif(
    "MATTEBOX_SLOW" not in os.environ,
    reason="numba compiles pymatting for up to 40 s; set MATTEBOX_SLOW to run it",
)
def test_solved_alpha_is_near_the_truth() -> None:
    pytest.importorskip("pymatting", reason="pymatting lives only in the export environment")
    image, alpha, coarse = portrait()
    cutout = cut_out(image, coarse)
    assert np.abs(cutout.alpha / 255.0 - alpha).mean() < 0.01
    assert cutout.quality > 0.95
    # The wall's blue is gone from the soft edge: foreground there is the person's own colour.
    soft = (alpha > 0.3) & (alpha < 0.7)
    soft[110:] = False
    np.testing.assert_allclose(cutout.foreground[soft].mean(axis=0), (60, 90, 170), atol=14)


def test_empty_scene_is_found_behind_a_moving_person() -> None:
    room = cv2.resize(np.random.default_rng(1).integers(0, 255, (6, 8, 3)).astype(np.uint8), SIZE)
    frames, teachers = [], []
    for step in range(9):
        frame, coarse = room.copy(), np.zeros((SIZE[1], SIZE[0]), np.float32)
        x = 30 + 12 * step
        frame[60:, x - 15 : x + 15] = 7
        coarse[60:, x - 15 : x + 15] = 1
        frames.append(frame)
        teachers.append(coarse)
    scene, seen = empty_scene(frames, teachers)
    assert seen.all()
    np.testing.assert_array_equal(scene, room)
    with pytest.raises(ValueError, match="at least one expected"):
        empty_scene([], [])


def test_narrow_trimap_keeps_the_largest_and_a_thin_band() -> None:
    difference = np.zeros((200, 200), np.float32)
    difference[50:150, 60:140] = 20
    difference[5:12, 5:12] = 20
    teacher = np.zeros_like(difference)
    teacher[48:152, 58:142] = 1
    known = narrow_trimap(difference, teacher, np.ones(teacher.shape, bool))
    assert known[100, 100] == 1
    assert known[8, 8] == 0
    assert (known[100] == 0.5).sum() <= 12


def test_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.mkv"):
        read_frames(tmp_path / "none.mkv")


def test_labels_hold_still_where_the_picture_does() -> None:
    rng = np.random.default_rng(2)
    frames = [np.full((60, 80, 3), 90, np.uint8) for _ in range(7)]
    alphas = [np.full((60, 80), 128, np.uint8) for _ in range(7)]
    for number, (frame, alpha) in enumerate(zip(frames, alphas, strict=True)):
        alpha[:, :30] = rng.integers(100, 156, (60, 30))  # a flickering label on a still wall
        frame[20:40, 50 + 2 * number : 60 + 2 * number] = 250  # something moves
        alpha[20:40, 50 + 2 * number : 60 + 2 * number] = 255
    made = steady_labels(frames, alphas)
    flicker = [
        np.diff(np.stack(series)[:, :, :20].astype(float), axis=0).std()
        for series in (alphas, made)
    ]
    assert flicker[1] < 0.55 * flicker[0]
    np.testing.assert_array_equal(made[3][22:38, 57:65], alphas[3][22:38, 57:65])
    np.testing.assert_array_equal(steady_labels(frames[:1], alphas[:1])[0], alphas[0])
