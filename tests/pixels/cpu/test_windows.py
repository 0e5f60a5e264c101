"""What is left out because nothing is to be seen there: the results are those of whole planes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.media.frame import F32
from appliance.pixels import cpu
from tests.kernels.shapes import pictures

# Below, at and above the bands of 8 rows and the cells of 16 columns; single rows and columns.
SIZES = [(1, 1), (1, 40), (33, 1), (7, 15), (8, 16), (9, 35), (40, 67)]


def mattes(rows: int, columns: int) -> dict[str, F32]:
    """Mattes with wide stretches of nothing, of everything, and of something in between."""
    rng = np.random.default_rng(rows * 100 + columns)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    hard = ((x - columns / 2) ** 2 + (y - rows) ** 2 < (0.4 * columns) ** 2).astype(np.float32)
    noise = rng.random((rows, columns)).astype(np.float32)
    return {
        "hard": hard, "soft": cv2.blur(hard, (3, 3)).reshape(rows, columns), "noise": noise,
        "faint": hard * np.float32(0.15), "nothing": 0 * hard, "all": 0 * hard + 1,
        "half": 0 * hard + np.float32(0.4), "a speck": np.where((y == 0) & (x == 0), 1, 0 * hard),
    }  # fmt: skip


def picture(rows: int, columns: int) -> F32:
    """Y, Cb, Cr, all different."""
    return (255 * np.random.default_rng(1).random((3, rows, columns))).astype(np.float32)


def box(plane: np.ndarray, radius: int) -> np.ndarray:
    side = 2 * radius + 1
    return cv2.blur(plane.astype(np.float64), (side, side)).reshape(plane.shape)


@pytest.mark.parametrize(("rows", "columns"), SIZES)
@pytest.mark.parametrize("radius", [1, 2, 4, 11])
def test_guided_coefficients(rows: int, columns: int, radius: int) -> None:
    luma, out = picture(rows, columns)[0], np.full((2, rows, columns), np.nan, np.float32)
    for name, alpha in mattes(rows, columns).items():
        cpu.guided_coefficients(luma, alpha, radius, 1e-3, out)
        i, p = luma / 255.0, alpha.astype(np.float64)
        mean_i, mean_p = box(i, radius), box(p, radius)
        a = box(i * p, radius) - mean_i * mean_p
        a /= box(i * i, radius) - mean_i * mean_i + 1e-3
        b = mean_p - a * mean_i
        assert np.abs(out[0] * 255 - box(a, radius)).max() < 2e-4, name
        assert np.abs(out[1] - box(b, radius)).max() < 1e-4, name


@pytest.mark.parametrize(("rows", "columns"), SIZES)
@pytest.mark.parametrize("radius", [1, 4, 5, 11])
def test_foreground_shift(rows: int, columns: int, radius: int) -> None:
    planes, out = picture(rows, columns), np.full((3, rows, columns), np.nan, np.float32)
    for name, alpha in mattes(rows, columns).items():
        cpu.foreground_shift(planes, alpha, radius, out)
        f, g = alpha.astype(np.float64) ** 4, (1 - alpha.astype(np.float64)) ** 4
        front, back = box(f, radius), box(g, radius)
        sure = (np.abs(front - 1e-3) > 1e-8) & (np.abs(back - 1e-3) > 1e-8)
        both = (front > 1e-3) & (back > 1e-3)
        for plane, got in zip(planes, out, strict=True):
            apart = box(f * plane, radius) / np.maximum(front, 1e-9)
            apart -= box(g * plane, radius) / np.maximum(back, 1e-9)
            assert np.abs(got - np.where(both, apart, 0))[sure].max(initial=0) < 0.02, name


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 70), (33, 1), (31, 33), (72, 128)])
def test_components_are_numbered_as_by_opencv(rows: int, columns: int) -> None:
    """Of equal ones the first counts, so their order is a part of the result."""
    stairs = np.zeros((rows, columns), np.uint8)
    # Equal ones, of which the left one begins a row later, but within the same two rows.
    stairs[0:3, 20:23] = stairs[1:4, 2:5] = 1
    for name, bits in (*pictures(rows, columns), ("stairs", stairs)):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(bits, connectivity=8)
        kept = cpu.keep_components(bits.astype(np.float32), 0.5, "all", 0.0)
        large = [n for n in range(1, len(stats)) if stats[n, 4] * 4000 >= bits.size]
        assert kept.count == len(large), name
        assert np.array_equal(kept.mask, np.isin(labels, large)), name
        alone = cpu.keep_components(bits.astype(np.float32), 0.5, "largest", 0.0)
        if large:
            first = max(large, key=lambda n: stats[n, 4])
            assert np.array_equal(alone.mask, labels == first), name


@pytest.mark.parametrize("grow", [0, 1, 2, 4, 9, 32])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 40), (33, 1), (40, 67), (31, 130)])
def test_clean_is_its_formula(rows: int, columns: int, grow: int) -> None:
    """A disc laid on what is kept, also across the borders, with a fade at its rim."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1,) * 2)
    for name, bits in pictures(rows, columns):
        alpha = np.where(bits, np.float32(0.9), np.float32(0.2))
        kept = cpu.keep_components(alpha, 0.5, "largest", 0.0)
        grown = cv2.dilate(kept.mask, disc).astype(np.float32).reshape(alpha.shape)
        if grow >= 2:
            faded = cv2.blur(grown, (3, 3)).reshape(alpha.shape) * grown
            grown = np.maximum(faded, kept.mask)
        want = alpha * grown
        cpu.clean(alpha, kept, grow)
        assert np.abs(alpha - want).max() < 1e-6, name
