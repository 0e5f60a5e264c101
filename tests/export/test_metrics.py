"""The metrics against values worked out by hand, plain reimplementations and the lemur."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from export.evaluation import metrics


def alpha(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_mad_and_mse_by_hand() -> None:
    predicted, true = alpha([[0.0, 0.5], [1.0, 1.0]]), alpha([[0.0, 1.0], [1.0, 0.75]])
    # |differences| 0, 0.5, 0, 0.25: mean 0.1875, mean square (0.25 + 0.0625) / 4 = 0.078125
    assert metrics.mad(predicted, true) == pytest.approx(187.5)
    assert metrics.mse(predicted, true) == pytest.approx(78.125)


def test_dtssd_by_hand() -> None:
    true = [alpha([[0.0, 0.0]]), alpha([[1.0, 0.0]])]
    predicted = [alpha([[0.0, 0.2]]), alpha([[0.7, 0.2]])]
    # Changes: true (1, 0), predicted (0.7, 0); differences (-0.3, 0): sqrt(0.09 / 2) x1e2
    assert metrics.dtssd(predicted[1], predicted[0], true[1], true[0]) == pytest.approx(
        21.2132, abs=1e-3
    )


def test_dtssd_ignores_a_steady_error() -> None:
    true = np.random.default_rng(0).random((8, 8), np.float32)
    wrong = np.clip(true + 0.1, 0, None)
    assert metrics.dtssd(wrong, wrong, true, true) == 0


def test_iou_by_hand() -> None:
    assert metrics.iou(alpha([[0.6, 0.6, 0.0]]), alpha([[0.0, 1.0, 1.0]])) == pytest.approx(1 / 3)
    nobody = np.zeros((4, 4), np.float32)
    assert metrics.iou(nobody, nobody) == 1.0


def test_conn_by_hand() -> None:
    # Two islands: the larger is right; the smaller (2 pixels at 1.0) is in both mattes but not
    # connected to the largest, so both count the same deviation: no error.
    true = alpha([[1, 1, 1, 0, 1, 1]])
    assert metrics.conn(true, true) == 0
    # Without the true island: the level there is 0, true phi 1, predicted phi 1 - 1 = 0, twice.
    assert metrics.conn(true, alpha([[1, 1, 1, 0, 0, 0]])) == pytest.approx(2 / 1e3)
    # A pixel at 0.5 where the truth is 1: both are connected up to 0.5, so level 0.5; the true
    # deviation 0.5 counts (phi 0.5), the predicted 0 does not (phi 1).
    assert metrics.conn(alpha([[1, 1, 0.5]]), alpha([[1, 1, 1]])) == pytest.approx(0.5 / 1e3)
    # A deviation below 0.15 does not count at all.
    assert metrics.conn(alpha([[1, 1, 0.95]]), alpha([[1, 1, 1]])) == pytest.approx(0)


def test_gradient_kernel() -> None:
    kernel = metrics.gradient_kernel()
    assert kernel.shape == (9, 9)
    assert (kernel**2).sum() == pytest.approx(1)
    np.testing.assert_allclose(kernel, -kernel[:, ::-1], atol=1e-12)
    # By hand: with sigma 1.4, element (4, 3) over element (3, 3) is g(0) / g(1) = exp(1/3.92).
    assert kernel[4, 3] / kernel[3, 3] == pytest.approx(np.exp(1 / 3.92))


def test_grad_of_a_step_by_hand() -> None:
    true = np.zeros((9, 40), np.float32)
    true[:, 20:] = 1
    flat = np.zeros_like(true)
    # A constant map has no gradient, so the error is the step's squared gradient: at column
    # c it is (the kernel's column sums from the step on) squared, in each of the 9 rows.
    sums = metrics.gradient_kernel().sum(axis=0)
    tails = [float(sums[k:].sum()) for k in range(9)]
    expected = 9 * sum(t * t for t in tails) / 1e3
    assert metrics.grad(flat, true) == pytest.approx(expected, rel=1e-4)


def test_clip_metrics_of_a_perfect_clip() -> None:
    series = [np.random.default_rng(k).random((16, 16), np.float32) for k in range(3)]
    figures = metrics.clip_metrics(series, series)
    assert set(figures) == set(metrics.NAMES)
    assert figures.pop("iou") == 1
    assert all(value == pytest.approx(0, abs=1e-6) for value in figures.values())


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="resize the prediction"):
        metrics.mad(np.zeros((2, 2), np.float32), np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="1 predicted alphas and 0 true"):
        metrics.clip_metrics([np.zeros((2, 2), np.float32)], [])


def _slow_conn(predicted: np.ndarray, true: np.ndarray) -> float:
    """The connectivity error by flood fill in plain Python."""
    height, width = true.shape
    level = np.ones(true.shape)
    undecided = np.ones(true.shape, bool)
    for i in range(1, 11):
        both = (true >= np.arange(0, 1.1, 0.1)[i]) & (predicted >= np.arange(0, 1.1, 0.1)[i])
        seen = np.zeros(true.shape, bool)
        largest: set[tuple[int, int]] = set()
        for start in zip(*np.nonzero(both), strict=True):
            if seen[start]:
                continue
            stack, island = [start], set()
            seen[start] = True
            while stack:
                y, x = stack.pop()
                island.add((y, x))
                for ny, nx in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                    inside = 0 <= ny < height and 0 <= nx < width
                    if inside and both[ny, nx] and not seen[ny, nx]:
                        seen[ny, nx] = True
                        stack.append((ny, nx))
            if len(island) > len(largest):
                largest = island
        for y in range(height):
            for x in range(width):
                if undecided[y, x] and (y, x) not in largest:
                    level[y, x] = (i - 1) * 0.1
                    undecided[y, x] = False
    off_true, off_predicted = true - level, predicted - level
    phi_true = 1 - np.where(off_true >= 0.15, off_true, 0)
    phi_predicted = 1 - np.where(off_predicted >= 0.15, off_predicted, 0)
    return float(np.abs(phi_true - phi_predicted).sum() / 1e3)


@pytest.fixture(scope="module")
def lemur(shared_media: Path) -> tuple[np.ndarray, np.ndarray]:
    """The lemur's true alpha and its trimap, 160 pixels wide."""
    found = []
    for name in ("alpha", "trimap"):
        image = cv2.imread(str(shared_media / "lemur" / f"lemur_{name}.png"), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        small = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
        found.append((small / 255.0).astype(np.float32))
    return found[0], found[1]


def test_lemur_plain_reimplementations_agree(lemur: tuple[np.ndarray, np.ndarray]) -> None:
    true, trimap = lemur
    blurred = cv2.GaussianBlur(true, (0, 0), 2)
    for predicted in (trimap, blurred):
        error = predicted.astype(np.float64) - true
        assert metrics.mad(predicted, true) == pytest.approx(np.abs(error).mean() * 1e3, rel=1e-4)
        assert metrics.mse(predicted, true) == pytest.approx((error**2).mean() * 1e3, rel=1e-4)
        assert metrics.conn(predicted, true) == pytest.approx(_slow_conn(predicted, true), rel=1e-2)


def test_lemur_gradient_against_direct_convolution(lemur: tuple[np.ndarray, np.ndarray]) -> None:
    true = lemur[0][:40, 40:100]
    predicted = cv2.GaussianBlur(true, (0, 0), 1.5)
    kernel = metrics.gradient_kernel()

    def magnitude(image: np.ndarray) -> np.ndarray:
        low, high = image.min(), image.max()
        padded = np.pad((image.astype(np.float64) - low) / (high - low), 4, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (9, 9))
        across = (windows * kernel).sum(axis=(2, 3))
        down = (windows * kernel.T).sum(axis=(2, 3))
        return np.hypot(across, down)

    expected = ((magnitude(predicted) - magnitude(true)) ** 2).sum() / 1e3
    assert metrics.grad(predicted, true) == pytest.approx(expected, rel=1e-3)


def test_lemur_every_metric_ranks_worse_mattes_as_worse(
    lemur: tuple[np.ndarray, np.ndarray],
) -> None:
    true, _ = lemur
    blurs = [cv2.GaussianBlur(true, (0, 0), sigma) for sigma in (0.5, 1.5, 4.0)]
    for metric in (metrics.mad, metrics.mse, metrics.grad, metrics.conn):
        values = [metric(blurred, true) for blurred in blurs]
        assert metric(true, true) == pytest.approx(0, abs=1e-6)
        assert values == sorted(values)
        assert values[0] < values[-1]
