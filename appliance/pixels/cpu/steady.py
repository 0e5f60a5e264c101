"""Steady: motion-guided smoothing of the matte over time, at the network's grid."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, Rect
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.windows import reflected

# Of |box3(a_t - alpha_{t-1})|: up to the first the network agrees with the last matte, from the
# second on it disagrees. kernels/steady.cuh has the same.
_AGREES, _DISAGREES = np.float32(0.1), np.float32(0.25)
_ZERO, _ONE, _NINTH = np.float32(0), np.float32(1), np.float32(1 / 9)


@inline
def _box3(plane: F32, y: int, sums: F32, out: F32) -> None:
    """One row of ``cv2.blur(plane, (3, 3))``."""
    rows, columns = plane.shape
    upper, lower = reflected(y - 1, rows), reflected(y + 1, rows)
    one, two = np.uint64(1), np.uint64(2)
    for i in range(np.uint64(columns)):
        sums[one + i] = plane[upper, i] + plane[y, i] + plane[lower, i]
    sums[0], sums[columns + 1] = (
        sums[1 + reflected(-1, columns)],
        sums[1 + reflected(columns, columns)],
    )
    for i in range(np.uint64(columns)):
        out[i] = (sums[i] + sums[one + i] + sums[two + i]) * _NINTH


@kernel("void(float32[:, :, ::1], float32[:, :, ::1], float32, float32, float32[:, ::1])")
def _motion(planes: F32, previous: F32, low: np.float32, high: np.float32, moved: F32) -> None:
    slope = _ONE / np.float32(max(high - low, np.float32(1e-3)))
    rows, columns = moved.shape
    change = np.empty((rows, columns), np.float32)
    sums, mean = np.empty(columns + 2, np.float32), np.empty(columns, np.float32)
    for j in range(rows):
        for i in range(np.uint64(columns)):
            chroma = abs(planes[1, j, i] - previous[1, j, i])
            chroma += abs(planes[2, j, i] - previous[2, j, i])
            luma = abs(planes[0, j, i] - previous[0, j, i])
            known = previous[0, j, i] >= _ZERO
            change[j, i] = luma + np.float32(0.5) * chroma if known else np.float32(255)
    for j in range(rows):
        _box3(change, j, sums, mean)
        for i in range(np.uint64(columns)):
            moved[j, i] = min(max((mean[i] - low) * slope, _ZERO), _ONE)


@kernel("void(float32[:, ::1], float32[:, ::1], float32[:, ::1], float32, float32)")
def _loosen(
    moved: F32, alpha: F32, previous: F32, agreed: np.float32, disputed: np.float32
) -> None:  # fmt: skip
    slope = _ONE / (_DISAGREES - _AGREES)
    rows, columns = moved.shape
    apart = np.empty((rows, columns), np.float32)
    sums, mean = np.empty(columns + 2, np.float32), np.empty(columns, np.float32)
    for j in range(rows):
        for i in range(np.uint64(columns)):
            apart[j, i] = alpha[j, i] - previous[j, i]
    for j in range(rows):
        _box3(apart, j, sums, mean)
        for i in range(np.uint64(columns)):
            dispute = min(max((abs(mean[i]) - _AGREES) * slope, _ZERO), _ONE)
            held = agreed + dispute * (disputed - agreed)
            moved[j, i] += (_ONE - moved[j, i]) * (_ONE - held)


@kernel("void(float32[:, ::1], float32[:, ::1], float32[:, ::1], float32)")
def _blend(plane: F32, previous: F32, motion: F32, strength: np.float32) -> None:
    for j in range(plane.shape[0]):
        for i in range(np.uint64(plane.shape[1])):
            rest = (_ONE - motion[j, i]) * strength
            plane[j, i] += rest * (previous[j, i] - plane[j, i])


def resample(plane: F32, source: Rect, target: Rect, shape: tuple[int, int], border: float) -> F32:
    """A plane that covers ``source`` (frame pixels), resampled to a grid that covers ``target``.

    ``plane`` may also be several, (count, rows, columns), each resampled by itself.

    Bilinear; ``border`` where the target lies outside the source. ``shape`` is (rows, columns).
    """
    rows, columns = shape
    if source == target and plane.shape[-2:] == shape:
        return plane
    if plane.ndim == 3:
        return np.stack([resample(each, source, target, shape, border) for each in plane])
    scale_x = target.width / columns * plane.shape[1] / source.width
    scale_y = target.height / rows * plane.shape[0] / source.height
    shift_x = (target.x - source.x) * plane.shape[1] / source.width
    shift_y = (target.y - source.y) * plane.shape[0] / source.height
    # Pixel centres are at .5: x' + 0.5 = (x + 0.5) * scale + shift.
    matrix = np.array(
        [
            [scale_x, 0, 0.5 * scale_x - 0.5 + shift_x],
            [0, scale_y, 0.5 * scale_y - 0.5 + shift_y],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            plane,
            matrix,
            (columns, rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=border,
        ),
        np.float32,
    )


def motion(planes: F32, previous: F32, low: float, high: float) -> F32:
    """Where the picture moved: m = clip((box3(d) - low) / (high - low), 0, 1).

    d = |Y_t - Y_{t-1}| + (|Cb_t - Cb_{t-1}| + |Cr_t - Cr_{t-1}|) / 2. Grey hair moving in front of
    a green wall of the same luma changes chroma alone.

    Args:
        planes, previous: float32 (3, rows, columns): Y, Cb, Cr, 0..255, now and before; a previous
            luma below 0 means "no history here" and counts as motion.
        low, high: change of the picture, 0..255.

    Returns float32 (rows, columns), 0 (still) to 1 (moving).
    """
    moved = np.empty(planes.shape[1:], np.float32)
    _motion(
        np.ascontiguousarray(planes), np.ascontiguousarray(previous), np.float32(low),
        np.float32(high), moved,
    )  # fmt: skip
    return moved


def loosen(moved: F32, alpha: F32, previous: F32, agreed: float, disputed: float) -> None:
    """Hold less of the last matte, and far less where the network disagrees with it; in place.

    m becomes m + (1-m)*(1-h), where h goes from ``agreed`` to ``disputed`` as |box3(a_t -
    alpha_{t-1})| goes from 0.1 to 0.25. The box tells a hand that left from an edge that
    shimmers, whose differences are thin and of both signs.

    Args:
        moved: float32 (rows, columns): m, see ``motion``, overwritten.
        alpha, previous: float32 (rows, columns), 0..1: a_t and alpha_{t-1}. All contiguous.
        agreed, disputed: shares of the hold that are left, 0..1; with both 1 nothing changes.
    """
    if agreed == disputed == 1:
        return
    _loosen(moved, alpha, previous, np.float32(agreed), np.float32(disputed))


def steady(plane: F32, previous: F32, moved: F32, strength: float) -> None:
    """Blend a plane with the previous one where the picture stands still; in place.

    alpha_t = m*a_t + (1-m)*(s*alpha_{t-1} + (1-s)*a_t).

    Args:
        plane: float32 (rows, columns): a_t, overwritten with alpha_t. previous: alpha_{t-1}.
        moved: m, see ``motion``. All contiguous. strength: s, 0..1.
    """
    _blend(plane, previous, moved, np.float32(strength))
