"""Clean: which parts of a matte stay, and where the person's box is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.media.frame import F32, Rect
from appliance.pixels import cpu


def scene() -> F32:
    """A person of 60x80, a second one of 30x40, a blob of 6x6 and a speck, on 144x256."""
    alpha = np.zeros((144, 256), np.float32)
    alpha[50:130, 60:120] = 1
    alpha[80:120, 180:210] = 1
    alpha[10:16, 230:236] = 0.9
    alpha[3, 3] = 1
    return alpha


def test_largest_only() -> None:
    kept = cpu.keep_components(scene(), 0.3, "largest", 0.0)
    assert (kept.count, kept.box) == (1, Rect(60, 50, 60, 80))


def test_all_above_an_area_fraction() -> None:
    kept = cpu.keep_components(scene(), 0.3, "all", 0.02)
    assert (kept.count, kept.box) == (2, Rect(60, 50, 150, 80))
    assert kept.mask.sum() == 60 * 80 + 30 * 40


def test_specks_are_never_a_person() -> None:
    alpha = np.zeros((144, 256), np.float32)
    alpha[3:5, 3:5] = 1
    assert cpu.keep_components(alpha, 0.3, "all", 0.0).box is None


@pytest.mark.parametrize("value", [0.0, 0.29])
def test_nobody(value: float) -> None:
    kept = cpu.keep_components(np.full((16, 16), value, np.float32), 0.3, "all", 0.02)
    assert (kept.count, kept.box) == (0, None)
    alpha = np.full((16, 16), value, np.float32)
    cpu.clean(alpha, kept, 4)
    assert not alpha.any()


def test_everybody() -> None:
    kept = cpu.keep_components(np.ones((16, 16), np.float32), 0.3, "all", 0.02)
    assert (kept.count, kept.box) == (1, Rect(0, 0, 16, 16))


def test_a_large_grid_does_not_overflow() -> None:
    kept = cpu.keep_components(np.ones((720, 1280), np.float32), 0.3, "all", 0.02)
    assert (kept.count, kept.box) == (1, Rect(0, 0, 1280, 720))


def test_diagonal_neighbours_are_one_component() -> None:
    alpha = np.eye(32, dtype=np.float32)
    assert cpu.keep_components(alpha, 0.3, "all", 0.02).count == 1


def test_labels_agree_with_a_flood_fill() -> None:
    rng = np.random.default_rng(0)
    alpha = cv2.blur(rng.random((90, 160), np.float32), (5, 5))
    threshold = float(np.quantile(alpha, 0.6))
    kept = cpu.keep_components(alpha, threshold, "largest", 0.0)
    left = (alpha >= threshold).astype(np.uint8)
    best = np.zeros_like(left)
    for y, x in np.argwhere(left):
        if left[y, x] == 1:
            before = left.copy()
            cv2.floodFill(left, None, (int(x), int(y)), 2, flags=8)
            part = (left == 2) & (before == 1)
            left[part] = 0
            if part.sum() > best.sum():
                best = part.astype(np.uint8)
    assert np.array_equal(kept.mask, best)


def test_clean_removes_blobs_and_keeps_soft_hair() -> None:
    alpha = cv2.blur(scene(), (5, 5))
    before = alpha.copy()
    kept = cpu.keep_components(alpha, 0.3, "all", 0.02)
    cpu.clean(alpha, kept, 4)
    assert not alpha[:20, 220:].any()
    assert np.array_equal(alpha[kept.mask == 1], before[kept.mask == 1])
    soft = (before > 0) & (before < 0.3)
    near = cv2.dilate(kept.mask, np.ones((3, 3), np.uint8)) == 1
    assert np.array_equal(alpha[soft & near], before[soft & near])


def test_clean_without_growth_cuts_at_the_mask() -> None:
    alpha = cv2.blur(scene(), (5, 5))
    kept = cpu.keep_components(alpha, 0.3, "all", 0.02)
    cpu.clean(alpha, kept, 0)
    assert not alpha[kept.mask == 0].any()
