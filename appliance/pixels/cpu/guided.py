"""Refine: the fast guided filter's coefficients, and the colour that soft pixels should lose."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32


def guided_coefficients(luma: F32, alpha: F32, radius: int, epsilon: float, out: F32) -> None:
    """Coefficients (a, b) such that the refined alpha is ``a * Y + b``, Y in 0..255 at any size.

    He, Sun and Tang, "Guided Image Filtering", ECCV 2010, equations 5, 6 and 8; computed at the
    network's grid and applied at full size: He and Sun, "Fast Guided Filter", 2015.

    Args:
        luma: float32 (rows, columns), 0..255, the guide.
        alpha: float32, same shape, 0..1.
        radius: of the box window, pixels. epsilon: in luma variance with luma in 0..1.
        out: float32 (2, rows, columns): a and b.
    """
    size = (2 * radius + 1, 2 * radius + 1)
    guide = luma * np.float32(1 / 255)
    mean_i = cv2.blur(guide, size)
    mean_p = cv2.blur(alpha, size)
    covariance = cv2.blur(guide * alpha, size) - mean_i * mean_p
    variance = cv2.blur(guide * guide, size) - mean_i * mean_i
    a = covariance / (variance + np.float32(epsilon))
    b = mean_p - a * mean_i
    cv2.blur(a, size, dst=out[0])
    cv2.blur(b, size, dst=out[1])
    out[0] *= np.float32(1 / 255)


def foreground_shift(planes: F32, alpha: F32, radius: int, out: F32) -> None:
    """F - B, locally: what turns a soft pixel's colour I into its foreground F = I + (1-a)(F-B).

    F and B are local weighted means, as in Forte, "Approximate Fast Foreground Colour
    Estimation", ICIP 2021, equations 4 and 5, but weighted by the fourth power of a and of 1-a:
    soft pixels hold both colours, and would otherwise stain both means.

    Args:
        planes: float32 (3, rows, columns), Y, Cb, Cr, 0..255.
        alpha: float32 (rows, columns), 0..1.
        out: float32 (3, rows, columns), -255..255; 0 where one of the two sides is not at hand.
    """
    size = (2 * radius + 1, 2 * radius + 1)
    front, back = np.square(np.square(alpha)), np.square(np.square(1 - alpha))
    weight_front, weight_back = cv2.blur(front, size), cv2.blur(back, size)
    both = (weight_front > 1e-3) & (weight_back > 1e-3)
    inverse_front = both / np.maximum(weight_front, np.float32(1e-3))
    inverse_back = both / np.maximum(weight_back, np.float32(1e-3))
    for c in range(3):
        mean_front = cv2.blur(planes[c] * front, size)
        mean_back = cv2.blur(planes[c] * back, size)
        np.subtract(mean_front * inverse_front, mean_back * inverse_back, out=out[c])
