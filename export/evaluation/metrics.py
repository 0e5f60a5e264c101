"""Matting metrics as RobustVideoMatting's evaluation defines them.

(Lin et al., 2021, evaluation/evaluate_lr.py.) Alphas are float32 (h, w) in [0, 1]. Same scales:
MAD and MSE x1e3, Grad and Conn sums / 1e3, dtSSD x1e2. Grad and Conn are sums, so they grow with
the frame's size and can be compared only on the same frames. IoU, at alpha 0.5, is our addition.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Alpha = NDArray[np.float32]

NAMES = ("mad", "mse", "grad", "conn", "dtssd", "iou")
HIGHER_IS_BETTER = frozenset({"iou"})


def _check(predicted: Alpha, true: Alpha) -> None:
    if predicted.shape != true.shape or true.ndim != 2:
        raise ValueError(
            f"predicted alpha has shape {predicted.shape}, the true one {true.shape}; "
            "expected the same two dimensions: resize the prediction first"
        )


def grown(alpha: Alpha, width: int, height: int) -> Alpha:
    """A network's alpha scaled to the frame, float32 (height, width) in [0, 1]: what is judged."""
    result = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(result, 0, 1).astype(np.float32)


def mad(predicted: Alpha, true: Alpha) -> float:
    """Mean absolute difference x1e3."""
    _check(predicted, true)
    return float(np.abs(predicted - true).mean() * 1e3)


def mse(predicted: Alpha, true: Alpha) -> float:
    """Mean squared error x1e3."""
    _check(predicted, true)
    return float(((predicted - true) ** 2).mean() * 1e3)


def _gaussian(x: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.exp(-(x**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
    return result


def gradient_kernel(sigma: float = 1.4, epsilon: float = 1e-2) -> NDArray[np.float64]:
    """Derivative of a Gaussian along x, unit L2 norm; transpose it for y.

    Rhemann et al. (2009) as used by RobustVideoMatting; 9x9 for the default sigma.
    """
    half = int(np.ceil(sigma * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * sigma * epsilon))))
    x = np.arange(-half, half + 1, dtype=np.float64)
    smooth = _gaussian(x, sigma)
    kernel = smooth[:, None] * (-x * smooth / sigma**2)[None, :]
    result: NDArray[np.float64] = kernel / np.sqrt((kernel**2).sum())
    return result


_KERNEL_X = gradient_kernel()


def _spread(alpha: Alpha) -> Alpha:
    """Stretched to [0, 1] by its own minimum and maximum; a constant map becomes zero."""
    low, high = float(alpha.min()), float(alpha.max())
    if high - low < np.finfo(np.float64).eps:
        return np.zeros_like(alpha)
    return ((alpha - low) / (high - low)).astype(np.float32)


def _gradient(alpha: Alpha) -> Alpha:
    x = cv2.filter2D(alpha, -1, _KERNEL_X, borderType=cv2.BORDER_REPLICATE)
    y = cv2.filter2D(alpha, -1, _KERNEL_X.T, borderType=cv2.BORDER_REPLICATE)
    result: Alpha = np.sqrt(x**2 + y**2)
    return result


def grad(predicted: Alpha, true: Alpha) -> float:
    """Sum of squared differences of gradient magnitudes / 1e3; both are normalised first."""
    _check(predicted, true)
    return float(((_gradient(_spread(true)) - _gradient(_spread(predicted))) ** 2).sum() / 1e3)


def conn(predicted: Alpha, true: Alpha) -> float:
    """Connectivity error / 1e3, thresholds 0.1 apart, 4-connected, deviations from 0.15 up."""
    _check(predicted, true)
    step = 0.1
    thresholds = np.arange(0, 1 + step, step)
    level = -np.ones_like(true)
    for i in range(1, len(thresholds)):
        both = ((true >= thresholds[i]) & (predicted >= thresholds[i])).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(both, connectivity=4)
        sizes = stats[1:, cv2.CC_STAT_AREA]
        largest = labels == int(sizes.argmax()) + 1 if len(sizes) else np.zeros(true.shape, bool)
        level[(level == -1) & ~largest] = thresholds[i - 1]
    level[level == -1] = 1
    true_off, predicted_off = true - level, predicted - level
    true_phi = 1 - true_off * (true_off >= 0.15)
    predicted_phi = 1 - predicted_off * (predicted_off >= 0.15)
    return float(np.abs(true_phi - predicted_phi).sum() / 1e3)


def dtssd(predicted: Alpha, before: Alpha, true: Alpha, true_before: Alpha) -> float:
    """Root mean square difference between the two alphas' changes over time, x1e2.

    Erofeev et al. (2015): flicker that the true alpha does not have.
    """
    _check(predicted, true)
    _check(before, true_before)
    change = (predicted - before) - (true - true_before)
    return float(np.sqrt((change.astype(np.float64) ** 2).mean()) * 1e2)


def iou(predicted: Alpha, true: Alpha) -> float:
    """Intersection over union of alpha > 0.5; 1 when both are empty."""
    _check(predicted, true)
    ours, theirs = predicted > 0.5, true > 0.5
    union = int((ours | theirs).sum())
    return float((ours & theirs).sum() / union) if union else 1.0


def clip_metrics(predicted: list[Alpha], true: list[Alpha]) -> dict[str, float]:
    """Mean of every metric over a clip's frames; dtSSD over pairs of consecutive frames.

    RobustVideoMatting counts the first frame's dtSSD as zero; that only scales it by
    (n - 1) / n, and a one-frame clip has no dtSSD, so it is left out here. Raises ValueError when
    the two lists differ in length or are empty.
    """
    if len(predicted) != len(true) or not true:
        raise ValueError(
            f"{len(predicted)} predicted alphas and {len(true)} true ones; "
            "expected as many of each, and at least one"
        )
    single = {"mad": mad, "mse": mse, "grad": grad, "conn": conn, "iou": iou}
    result = {
        name: float(np.mean([metric(p, t) for p, t in zip(predicted, true, strict=True)]))
        for name, metric in single.items()
    }
    changes = [
        dtssd(predicted[i], predicted[i - 1], true[i], true[i - 1]) for i in range(1, len(true))
    ]
    result["dtssd"] = float(np.mean(changes)) if changes else 0.0
    return result
