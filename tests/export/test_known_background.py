"""Alpha over a known background, through a codec that keeps a quarter of the chroma."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from export.labels.filmed_wall import cut_out_of_wall
from export.labels.known_background import alpha_before, projected

WIDTH, HEIGHT = 240, 192
_slow = pytest.mark.skipif(
    "MATTEBOX_SLOW" not in os.environ,
    reason="numba compiles pymatting for up to 40 s; set MATTEBOX_SLOW to run it",
)


def true_alpha() -> np.ndarray:
    """Head and shoulders, float32 (h, w), with an edge a pixel wide."""
    alpha = np.zeros((HEIGHT * 4, WIDTH * 4), np.uint8)
    cv2.ellipse(alpha, (480, 290), (150, 200), 0, 0, 360, 255, -1)
    cv2.rectangle(alpha, (420, 400), (540, 560), 255, -1)
    cv2.ellipse(alpha, (480, 770), (380, 260), 0, 0, 360, 255, -1)
    small = cv2.resize(alpha, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255.0


def filmed(alpha: np.ndarray, wall: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A grey-haired head over dark clothes against a coloured wall: frame, and the wall alone."""
    person = np.full((HEIGHT, WIDTH, 3), (120, 130, 140), np.float32)
    person[130:] = (30, 25, 25)
    behind = np.full((HEIGHT, WIDTH, 3), wall, np.float32)
    frame = person * alpha[..., None] + behind * (1 - alpha[..., None])
    frame += np.random.default_rng(0).normal(0, 1.5, frame.shape)
    coded = cv2.imencode(
        ".jpg", np.clip(frame, 0, 255).astype(np.uint8),
        [cv2.IMWRITE_JPEG_QUALITY, 85,
         cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420],
    )[1]  # fmt: skip
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return decoded, behind.astype(np.uint8)


def band(alpha: np.ndarray, pixels: int) -> np.ndarray:
    """The trimap with everything unknown within `pixels` of the edge."""
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    known = np.full(alpha.shape, 0.5, np.float32)
    known[cv2.erode(alpha, kernel, borderValue=1) > 0.99] = 1
    known[cv2.dilate(alpha, kernel) < 0.01] = 0
    return known


def shift(label: np.ndarray, alpha: np.ndarray) -> float:
    """Mean number of pixels by which the label is too wide (above 0) or too narrow."""
    slope = np.hypot(
        cv2.Sobel(alpha, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(alpha, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    return float((label - alpha).sum() / slope.sum())


def test_what_stands_out_is_believed_and_right() -> None:
    alpha = true_alpha()
    frame, wall = filmed(alpha, (20, 200, 210))
    found, believed = projected(frame, wall, band(alpha, 4))
    assert found.dtype == believed.dtype == np.float32
    assert believed.min() >= 0
    assert believed.max() <= 1
    sure = (believed > 0.9) & (band(alpha, 4) == 0.5)
    assert sure.mean() > 0.02
    assert np.abs(found - alpha)[sure].mean() < 0.08
    assert abs(shift(np.where(band(alpha, 4) == 0.5, found, alpha), alpha)) < 0.3


def test_what_looks_like_the_background_is_not_believed() -> None:
    alpha = true_alpha()
    frame, wall = filmed(alpha, (120, 130, 140))  # the wall has the head's own colour
    _, believed = projected(frame, wall, band(alpha, 4))
    head = band(alpha, 4)[:120] == 0.5
    assert np.median(believed[:120][head]) < 0.2
    # Far from the person there is no colour of theirs to compare with.
    assert believed[:4, :4].max() == 0


def test_a_trimap_without_foreground_is_refused() -> None:
    pytest.importorskip("pymatting", reason="pymatting lives only in the export environment")
    frame, wall = filmed(true_alpha(), (20, 200, 210))
    with pytest.raises(ValueError, match="no sure foreground"):
        alpha_before(frame, wall, np.full((HEIGHT, WIDTH), 0.5, np.float32))


@_slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("wall", [(20, 200, 210), (190, 160, 120), (90, 180, 60)])
def test_labels_before_a_filmed_wall_are_as_wide_as_the_person(wall: tuple[int, int, int]) -> None:
    pytest.importorskip("pymatting", reason="pymatting lives only in the export environment")
    alpha = true_alpha()
    frame, _ = filmed(alpha, wall)
    coarse = np.clip(cv2.GaussianBlur(alpha, (0, 0), 4) * 1.02, 0, 1)
    label = cut_out_of_wall(frame, coarse, 0.3).alpha / 255.0
    assert abs(shift(label.astype(np.float32), alpha)) < 0.15
    assert np.abs(label - alpha).mean() < 0.006
