"""The plate as evidence for the matte: what looks like the empty room is not the person.

With F the person's colour nearby and B the plate, a pixel's alpha is its place on the line from B
to F: p = <I - B, F - B> / |F - B|^2, chroma weighed double since shadows spare it. That says
something where F and B are far apart compared to how F varies; elsewhere, and where it contradicts
a network that is sure, the network has the last word. Where the picture is the plate but darker, in
the plate's own colour, that is a shadow, and raises nothing.
"""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32
from appliance.pixels.cpu.jit import inline, kernel

# kernels/plate.cuh has the same.
# Chroma's weight against luma's, as a square.
_CHROMA = np.float32(4)
# A difference up to this, plus the cell's own noise, is none, in levels of 255.
_FLOOR = np.float32(5)
# |F - B| against how F varies (at least the third), where evidence begins to count, and where it
# counts in full.
_APART, _FAR, _LEAST_SPREAD = np.float32(0.8), np.float32(1.6), np.float32(16)
# The network is not contradicted above the second alpha, and fully below the first ...
_DOUBTS, SURE = np.float32(0.95), np.float32(0.998)
# ... and nothing is made visible below the first, in full from the second on.
HINT, _LIKELY = np.float32(0.04), np.float32(0.25)
# Parts of the window: some of the person is near; much of it looks like the room.
_SOME, _MUCH = np.float32(0.02), np.float32(0.15)
# A shadow: this share of the plate's light is left.
_DARKEST, _BRIGHTEST = np.float32(0.4), np.float32(0.97)


@inline
def ramp(value: np.float32, low: np.float32, high: np.float32) -> np.float32:
    """0 up to ``low``, 1 from ``high`` on, linear in between."""
    return min(max((value - low) / (high - low), np.float32(0)), np.float32(1))


@inline
def apart(
    y: np.float32, cb: np.float32, cr: np.float32, by: np.float32, bcb: np.float32, bcr: np.float32
) -> np.float32:  # fmt: skip
    """How far two colours lie apart, chroma weighed."""
    dy, du, dv = y - by, cb - bcb, cr - bcr
    return np.float32(np.sqrt(dy * dy + _CHROMA * (du * du + dv * dv)))


@inline
def fused(
    alpha: np.float32, y: np.float32, cb: np.float32, cr: np.float32, by: np.float32,
    bcb: np.float32, bcr: np.float32, fy: np.float32, fcb: np.float32, fcr: np.float32,
    varies: np.float32, doubt: np.float32, noise: np.float32,
) -> np.float32:  # fmt: skip
    """A pixel's alpha, network's and plate's evidence together.

    ``y`` is the picture, ``b`` the plate, ``f`` the person; ``varies``, ``doubt``: see
    ``person_colours``.
    """
    floor = _FLOOR + noise
    lowers = (np.float32(1) - doubt) * (np.float32(1) - ramp(alpha, _DOUBTS, SURE))
    if varies < 0:
        # Nobody of another colour than the room's is near.
        away = apart(y, cb, cr, by, bcb, bcr)
        same = np.float32(1) - ramp(away, floor, np.float32(1.5) * floor)
        return np.float32(alpha - same * lowers * alpha)
    dy, du, dv = y - by, cb - bcb, cr - bcr
    ly, lu, lv = fy - by, fcb - bcb, fcr - bcr
    length = np.sqrt(ly * ly + _CHROMA * (lu * lu + lv * lv))
    trust = ramp(length / max(varies, _LEAST_SPREAD), _APART, _FAR)
    if trust <= 0:
        return alpha
    along = (dy * ly + _CHROMA * (du * lu + dv * lv)) / length
    place = (along - floor) / max(length - np.float32(1.5) * floor, np.float32(8))
    place = min(max(place, np.float32(0)), np.float32(1))
    if place < alpha:
        trust *= lowers
    else:
        trust *= ramp(alpha, HINT, _LIKELY)
        # The nearest darker plate: <I, B> / |B|^2, from black and no colour.
        lit_y, lit_u, lit_v = by - np.float32(16), bcb - np.float32(128), bcr - np.float32(128)
        light = lit_y * lit_y + _CHROMA * (lit_u * lit_u + lit_v * lit_v)
        left = lit_y * (y - np.float32(16)) + _CHROMA * (
            lit_u * (cb - np.float32(128)) + lit_v * (cr - np.float32(128))
        )
        left = left / max(light, np.float32(1))
        if left > _DARKEST and left < _BRIGHTEST:
            ey = y - np.float32(16) - left * lit_y
            eu = cb - np.float32(128) - left * lit_u
            ev = cr - np.float32(128) - left * lit_v
            if ey * ey + _CHROMA * (eu * eu + ev * ev) < floor * floor:
                trust = np.float32(0)
    return np.float32(alpha + trust * (place - alpha))


@kernel(
    "void(float32[:, :, ::1], float32[:, ::1], float32[:, :, ::1], float32[:, ::1],"
    "float32[:, :, ::1], int64, int64, int64, int64)"
)
def _weighed(
    live: F32, alpha: F32, expected: F32, noise: F32, out: F32, left: int, top: int, right: int,
    bottom: int,
) -> None:  # fmt: skip
    for j in range(top, bottom):
        for i in range(left, right):
            weight = alpha[j, i] * alpha[j, i]
            weight *= weight
            y, cb, cr = live[0, j, i], live[1, j, i], live[2, j, i]
            out[5, j, i] = np.float32(0)
            if weight > np.float32(1e-4) and noise[j, i] >= 0:
                floor = _FLOOR + noise[j, i]
                away = apart(y, cb, cr, expected[0, j, i], expected[1, j, i], expected[2, j, i])
                same = np.float32(1) - ramp(away, floor, np.float32(2) * floor)
                weight *= np.float32(1) - same
                out[5, j, i] = same * ramp(alpha[j, i], _DOUBTS, SURE)
            out[0, j, i] = weight
            out[1, j, i], out[2, j, i], out[3, j, i] = weight * y, weight * cb, weight * cr
            out[4, j, i] = weight * (y * y + _CHROMA * (cb * cb + cr * cr))


@kernel("void(float32[:, :, ::1], float32[:, :, ::1], int64, int64, int64, int64)")
def _means(sums: F32, out: F32, left: int, top: int, right: int, bottom: int) -> None:
    for j in range(top, bottom):
        for i in range(left, right):
            per = np.float32(1) / max(sums[0, j, i], np.float32(1e-4))
            y, cb, cr = sums[1, j, i] * per, sums[2, j, i] * per, sums[3, j, i] * per
            out[0, j, i], out[1, j, i], out[2, j, i] = y, cb, cr
            spare = sums[4, j, i] * per - y * y - _CHROMA * (cb * cb + cr * cr)
            spread = np.sqrt(max(spare, np.float32(0)))
            out[3, j, i] = spread if sums[0, j, i] > _SOME else np.float32(-1)
            out[4, j, i] = ramp(sums[5, j, i], _SOME, _MUCH)


def person_colours(live: F32, alpha: F32, expected: F32, noise: F32, radius: int) -> F32:
    """The person's colour near each grid pixel, how it varies, and how like the room it is.

    Args:
        live, expected: float32 (3, rows, columns), 0..255. alpha: float32 (rows, columns), 0..1.
        noise: see ``plate_noise``.

    Returns float32 (5, rows, columns): the mean of Y, Cb and Cr weighed by alpha's fourth power,
    as ``foreground_shift`` does, without what looks like the plate; its standard deviation, chroma
    weighed, -1 where there is none near; and 0..1: how much of what the network is sure of, near
    here, has the colour of the plate behind it, so that the plate cannot tell.
    """
    sums, size = np.empty((6, *alpha.shape), np.float32), (2 * radius + 1, 2 * radius + 1)
    # Zeros, as within: the plate's detail goes in a straight line between a place and the next.
    out = np.zeros((5, *alpha.shape), np.float32)
    out[3] = -1
    # Where nobody is, there is nothing to weigh: most of the grid.
    left, top, width, height = cv2.boundingRect(np.asarray(alpha > HINT, np.uint8))
    if width == 0:
        return out
    left, top = max(left - radius, 0), max(top - radius, 0)
    right = min(left + width + 2 * radius, alpha.shape[1])
    bottom = min(top + height + 2 * radius, alpha.shape[0])
    _weighed(live, alpha, expected, noise, sums, left, top, right, bottom)
    for plane in sums:
        part = plane[top:bottom, left:right]
        cv2.blur(part, size, dst=part)
    _means(sums, out, left, top, right, bottom)
    return out


@kernel(
    "void(float32[:, ::1], float32[:, :, ::1], float32[:, :, ::1], float32[:, ::1],"
    "float32[:, :, ::1], float32[:, ::1])"
)
def _weigh_in(alpha: F32, live: F32, expected: F32, noise: F32, person: F32, out: F32) -> None:
    for j in range(alpha.shape[0]):
        for i in range(alpha.shape[1]):
            if noise[j, i] < 0 or alpha[j, i] <= HINT or alpha[j, i] >= SURE:
                out[j, i] = alpha[j, i]
                continue
            out[j, i] = fused(
                alpha[j, i], live[0, j, i], live[1, j, i], live[2, j, i], expected[0, j, i],
                expected[1, j, i], expected[2, j, i], person[0, j, i], person[1, j, i],
                person[2, j, i], person[3, j, i], person[4, j, i], noise[j, i],
            )  # fmt: skip


def weigh_in(alpha: F32, live: F32, expected: F32, noise: F32, person: F32) -> F32:
    """The network's alpha with the plate's evidence, on the grid, float32 (rows, columns), 0..1.

    Args:
        alpha: float32 (rows, columns), 0..1; left as it is. live, expected: float32 (3, rows,
            columns), 0..255. noise: see ``plate_noise``. person: see ``person_colours``.
    """
    out = np.empty_like(alpha)
    _weigh_in(alpha, live, expected, noise, person, out)
    return out
