"""Paste: a feathered patch at (x, y) into a picture; the operation of the published formula."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.cpu.feather import feather
from appliance.pixels.cpu.jit import kernel

_NO_MASK: U8 = np.empty((0, 0), np.uint8)
_PART = np.float32(1 / 255)


@kernel(
    "void(uint8[:, :, :], uint8[:, :, :], int64, int64, float32[::1], float32[::1], uint8[:, :])"
)
def _paste(picture: U8, patch: U8, x: int, y: int, fx: F32, fy: F32, mask: U8) -> None:
    channels = picture.shape[2]
    left, right = max(0, -x), min(patch.shape[1], picture.shape[1] - x)
    for j in range(max(0, -y), min(patch.shape[0], picture.shape[0] - y)):
        for i in range(left, right):
            weight = fx[i] * fy[j]
            if mask.shape[0] > 0:
                weight *= np.float32(mask[j, i]) * _PART
            for c in range(channels):
                under = np.float32(picture[y + j, x + i, c])
                over = np.float32(patch[j, i, c])
                picture[y + j, x + i, c] = np.uint8(
                    np.int32(under + weight * (over - under) + np.float32(0.5))
                )


@kernel(
    "void(uint8[:, :, :], uint8[:, :, :], int64, int64, int64, int64, float32[::1], float32[::1], "
    "uint8[:, :])"
)
def _paste_chroma(
    picture: U8, patch: U8, x: int, y: int, width: int, height: int, fx: F32, fy: F32, mask: U8
) -> None:
    """Chroma of a patch at any luma offset.

    Weights are means over 2x2 luma pixels; at an odd offset the patch's chroma is taken half a
    sample further on.
    """
    last_j, last_i = patch.shape[0] - 1, patch.shape[1] - 1
    for j in range(max(0, y // 2), min(picture.shape[0], (y + height + 1) // 2)):
        top = 2 * j - y
        wy = (fy[top] if 0 <= top < height else np.float32(0)) + (
            fy[top + 1] if 0 <= top + 1 < height else np.float32(0)
        )
        j0 = min(max(top // 2, 0), last_j)
        j1 = min(max((top + 1) // 2, 0), last_j)
        for i in range(max(0, x // 2), min(picture.shape[1], (x + width + 1) // 2)):
            left = 2 * i - x
            wx = (fx[left] if 0 <= left < width else np.float32(0)) + (
                fx[left + 1] if 0 <= left + 1 < width else np.float32(0)
            )
            weight = wx * wy * np.float32(0.25)
            if mask.shape[0] > 0:
                weight = np.float32(0)
                for v in range(top, top + 2):
                    for u in range(left, left + 2):
                        if 0 <= v < height and 0 <= u < width:
                            weight += fx[u] * fy[v] * np.float32(mask[v, u])
                weight *= np.float32(0.25) * _PART
            i0 = min(max(left // 2, 0), last_i)
            i1 = min(max((left + 1) // 2, 0), last_i)
            for c in range(2):
                over = (
                    np.float32(patch[j0, i0, c]) + np.float32(patch[j0, i1, c])
                    + np.float32(patch[j1, i0, c]) + np.float32(patch[j1, i1, c])
                ) * np.float32(0.25)  # fmt: skip
                under = np.float32(picture[j, i, c])
                picture[j, i, c] = np.uint8(
                    np.int32(under + weight * (over - under) + np.float32(0.5))
                )


def default_ramp(width: int) -> int:
    """The published ramp for a patch of ``width`` pixels: width // 9."""
    return width // 9


def paste(picture: U8, patch: U8, x: int, y: int, ramp: float | None = None) -> None:
    """Blend ``patch`` into ``picture`` in place, feathered on all four sides.

    weight = feather(height)[row] * feather(width)[column]; see ``feather``.

    Args:
        picture: uint8 (H, W, C). patch: uint8 (h, w, C), the same C.
        x, y: top left corner; parts outside the picture are cut off.
        ramp: pixels; None: ``default_ramp``; 0: hard edge.

    Raises:
        ValueError: shapes do not fit, or the ramp is negative.
    """
    if picture.ndim != 3 or patch.ndim != 3 or picture.shape[2] != patch.shape[2]:
        raise ValueError(
            f"cannot paste {patch.shape} into {picture.shape}: expected (h, w, C) into (H, W, C)"
        )
    ramp = default_ramp(patch.shape[1]) if ramp is None else ramp
    fx, fy = feather(patch.shape[1], ramp), feather(patch.shape[0], ramp)
    _paste(picture, patch, x, y, fx, fy, _NO_MASK)


def paste_nv12(
    frame: Frame, patch: Frame, x: int, y: int, ramp: float | None = None, mask: U8 | None = None
) -> None:
    """``paste`` on NV12 planes: any offset, odd ones too; in place.

    Args:
        frame, patch, x, y, ramp: as ``paste`` has them.
        mask: uint8 (patch.height, patch.width): the weight is multiplied by it / 255.

    Raises:
        ValueError: the colours differ (the planes would mean different things), a bad ramp, or a
            mask of another size.
    """
    if frame.colour != patch.colour:
        raise ValueError(
            f"cannot paste {patch.colour} into {frame.colour}: convert the patch first"
        )
    if mask is not None and mask.shape != patch.y.shape:
        raise ValueError(f"a mask of {mask.shape} for a patch of {patch.y.shape}")
    ramp = default_ramp(patch.width) if ramp is None else ramp
    fx, fy = feather(patch.width, ramp), feather(patch.height, ramp)
    mask = _NO_MASK if mask is None else mask
    _paste(frame.y[:, :, None], patch.y[:, :, None], x, y, fx, fy, mask)
    _paste_chroma(frame.uv, patch.uv, x, y, patch.width, patch.height, fx, fy, mask)
