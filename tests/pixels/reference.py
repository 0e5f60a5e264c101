"""The same operations in float64, with no regard for speed: what the kernels must equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import Colour, Frame, Range, Rect

F64 = NDArray[np.float64]


def to_rgb(y: F64, cb: F64, cr: F64, colour: Colour) -> F64:
    """ITU-R BT.601/709 from the equations for E'Y, E'PB, E'PR themselves, not from a matrix."""
    kr, kb = colour.matrix.kr_kb
    if colour.range is Range.LIMITED:
        luma, pb, pr = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    else:
        luma, pb, pr = y / 255, (cb - 128) / 255, (cr - 128) / 255
    r = luma + 2 * (1 - kr) * pr
    b = luma + 2 * (1 - kb) * pb
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return np.clip(np.stack([r, g, b]), 0, 1) * 255


def area(plane: F64, rows: int, columns: int) -> F64:
    """Area mean by exact overlap weights, one matrix an axis."""

    def weights(n: int, m: int) -> F64:
        w = np.zeros((m, n))
        for j in range(m):
            lo, hi = j * n / m, (j + 1) * n / m
            for i in range(n):
                w[j, i] = max(0.0, min(hi, i + 1) - max(lo, i))
        return w / w.sum(axis=1, keepdims=True)

    return weights(plane.shape[0], rows) @ plane @ weights(plane.shape[1], columns).T


def bilinear(plane: F64, rows: int, columns: int) -> F64:
    """Bilinear with pixel centres at half, borders repeated."""

    def weights(n: int, m: int) -> F64:
        w = np.zeros((m, n))
        for j in range(m):
            p = min(max((j + 0.5) * n / m - 0.5, 0), n - 1)
            k = int(p)
            w[j, k] += 1 - (p - k)
            w[j, min(k + 1, n - 1)] += p - k
        return w

    return weights(plane.shape[0], rows) @ plane @ weights(plane.shape[1], columns).T


def ramp(n: int, d: float, start: bool, end: bool) -> F64:
    """min(1, i/d, (n-1-i)/d), sides at the frame's own border left out."""
    i = np.arange(n, dtype=np.float64)
    w = np.ones(n)
    if d > 0 and start:
        w = np.minimum(w, i / d)
    if d > 0 and end:
        w = np.minimum(w, (n - 1 - i) / d)
    return w


def composite(
    frame: Frame,
    background: Frame,
    rect: Rect,
    coefficients: F64,
    fraction: float,
    levels: float = 0.0,
) -> tuple[F64, F64, F64]:
    """(Y, UV, weight) of the composite, unrounded, by its definition."""
    h, w = rect.height, rect.width
    a, b, dy = (bilinear(c, h, w) for c in coefficients[:3])
    ys, xs = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
    source = frame.y[ys, xs].astype(np.float64)
    alpha = np.clip((a * source + b - levels) / (1 - 2 * levels), 0, 1)
    fx = ramp(w, w * fraction, rect.x > 0, rect.right < frame.width)
    fy = ramp(h, h * fraction, rect.y > 0, rect.bottom < frame.height)
    weight = alpha * np.outer(fy, fx)
    out_y = background.y.astype(np.float64)
    front = np.clip(source + (1 - alpha) * dy, 0, 255)
    out_y[ys, xs] += weight * (front - out_y[ys, xs])

    def quarter(plane: F64) -> F64:
        return plane.reshape(h // 2, 2, w // 2, 2).mean(axis=(1, 3))

    out_uv = background.uv.astype(np.float64)
    cy, cx = slice(rect.y // 2, rect.bottom // 2), slice(rect.x // 2, rect.right // 2)
    rest, over = 1 - quarter(alpha), quarter(weight)
    for c, coefficient in enumerate(coefficients[3:]):
        shift = bilinear(coefficient, h // 2, w // 2)
        front = np.clip(frame.uv[cy, cx, c] + rest * shift, 0, 255)
        out_uv[cy, cx, c] += over * (front - out_uv[cy, cx, c])
    whole = np.zeros(frame.y.shape)
    whole[ys, xs] = weight
    return out_y, out_uv, whole
