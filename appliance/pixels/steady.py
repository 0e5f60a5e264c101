"""Steady: motion-guided smoothing of the matte over time, at the network's grid."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.frame import F32, Rect
from appliance.pixels.jit import kernel


@kernel("void(float32[:, :], float32[:, :], float32[:, :], float32, float32, float32)")
def _blend(
    alpha: F32, previous: F32, change: F32, strength: float, low: float, high: float
) -> None:
    slope = np.float32(1) / np.float32(max(high - low, np.float32(1e-3)))
    for j in range(alpha.shape[0]):
        for i in range(alpha.shape[1]):
            motion = min(max((change[j, i] - low) * slope, np.float32(0)), np.float32(1))
            a = alpha[j, i]
            alpha[j, i] = a + (np.float32(1) - motion) * strength * (previous[j, i] - a)


def resample(plane: F32, source: Rect, target: Rect, shape: tuple[int, int], border: float) -> F32:
    """A plane that covers ``source`` (frame pixels), re-sampled to a grid that covers ``target``.

    Bilinear; ``border`` where the target lies outside the source. ``shape`` is (rows, columns).
    """
    rows, columns = shape
    if source == target and plane.shape == shape:
        return plane
    scale_x = target.width / columns * plane.shape[1] / source.width
    scale_y = target.height / rows * plane.shape[0] / source.height
    shift_x = (target.x - source.x) * plane.shape[1] / source.width
    shift_y = (target.y - source.y) * plane.shape[0] / source.height
    # Pixel centres sit at half: x' + 0.5 = (x + 0.5) * scale + shift.
    matrix = np.array(
        [
            [scale_x, 0, 0.5 * scale_x - 0.5 + shift_x],
            [0, scale_y, 0.5 * scale_y - 0.5 + shift_y],
        ]
    )
    return cv2.warpAffine(
        plane,
        matrix,
        (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    )


def steady(
    alpha: F32,
    luma: F32,
    previous_alpha: F32,
    previous_luma: F32,
    strength: float,
    low: float,
    high: float,
) -> None:
    """Blend ``alpha`` with the last matte where the picture stands still; in place.

    m = clip((box3(|Y_t - Y_{t-1}|) - low) / (high - low), 0, 1), and then
    alpha_t = m*a_t + (1-m)*(s*alpha_{t-1} + (1-s)*a_t).

    Args:
        alpha: float32 (rows, columns), 0..1: the network's, overwritten.
        luma, previous_luma: float32, same shape, 0..255; a previous luma below 0 means "no history
            here" and counts as motion.
        previous_alpha: float32, same shape: the last result, at the same place.
        strength: s, 0..1. low, high: change of luma, 0..255.
    """
    change = cv2.absdiff(luma, previous_luma)
    change[previous_luma < 0] = 255
    _blend(alpha, previous_alpha, cv2.blur(change, (3, 3)), strength, low, high)
