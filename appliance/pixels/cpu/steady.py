"""Steady: motion-guided smoothing of the matte over time, at the network's grid."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, Rect
from appliance.pixels.cpu.jit import kernel


@kernel("void(float32[:, :, :], float32[:, :, :], float32[:, :])")
def _change(planes: F32, previous: F32, change: F32) -> None:
    for j in range(change.shape[0]):
        for i in range(change.shape[1]):
            if previous[0, j, i] < 0:
                change[j, i] = 255
            else:
                chroma = abs(planes[1, j, i] - previous[1, j, i])
                chroma += abs(planes[2, j, i] - previous[2, j, i])
                luma = abs(planes[0, j, i] - previous[0, j, i])
                change[j, i] = luma + np.float32(0.5) * chroma


@kernel("void(float32[:, :], float32, float32)")
def _threshold(change: F32, low: np.float32, high: np.float32) -> None:
    slope = np.float32(1) / np.float32(max(high - low, np.float32(1e-3)))
    for j in range(change.shape[0]):
        for i in range(change.shape[1]):
            change[j, i] = min(max((change[j, i] - low) * slope, np.float32(0)), np.float32(1))


@kernel("void(float32[:, :], float32[:, :], float32[:, :], float32)")
def _blend(plane: F32, previous: F32, motion: F32, strength: float) -> None:
    for j in range(plane.shape[0]):
        for i in range(plane.shape[1]):
            rest = (np.float32(1) - motion[j, i]) * strength
            plane[j, i] += rest * (previous[j, i] - plane[j, i])


def resample(plane: F32, source: Rect, target: Rect, shape: tuple[int, int], border: float) -> F32:
    """A plane that covers ``source`` (frame pixels), re-sampled to a grid that covers ``target``.

    Or several, (count, rows, columns), each by itself.

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
    # Pixel centres sit at half: x' + 0.5 = (x + 0.5) * scale + shift.
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

    d = |Y_t - Y_{t-1}| + (|Cb_t - Cb_{t-1}| + |Cr_t - Cr_{t-1}|) / 2. Grey hair before a green wall
    of its own luma moves in chroma alone.

    Args:
        planes, previous: float32 (3, rows, columns): Y, Cb, Cr, 0..255, now and before; a previous
            luma below 0 means "no history here" and counts as motion.
        low, high: change of the picture, 0..255.

    Returns float32 (rows, columns), 0 (still) to 1 (moves).
    """
    change = np.empty(planes.shape[1:], np.float32)
    _change(planes, previous, change)
    moved = np.asarray(cv2.blur(change, (3, 3)), np.float32)
    _threshold(moved, np.float32(low), np.float32(high))
    return moved


def steady(plane: F32, previous: F32, moved: F32, strength: float) -> None:
    """Blend a plane with the last one where the picture stands still; in place.

    alpha_t = m*a_t + (1-m)*(s*alpha_{t-1} + (1-s)*a_t).

    Args:
        plane: float32 (rows, columns): a_t, overwritten with alpha_t. previous: alpha_{t-1}.
        moved: m, see ``motion``. strength: s, 0..1.
    """
    _blend(plane, previous, moved, strength)
