"""A dissolve: one picture fades into another, in NV12."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import U8, Frame
from appliance.pixels.cpu.jit import kernel

_ONE = 1 << 16


@kernel("void(uint8[:, :], uint8[:, :], uint32)")
def _mix(before: U8, out: U8, weight: np.uint32) -> None:
    kept = np.uint32(_ONE) - weight
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            mixed = (
                np.uint32(before[row, column]) * kept
                + np.uint32(out[row, column]) * weight
                + np.uint32(_ONE // 2)
            )
            out[row, column] = np.uint8(mixed >> np.uint32(16))


def dissolve(before: Frame, out: Frame, weight: float) -> None:
    """Mix ``before`` into ``out``, in place: weight * out + (1 - weight) * before.

    The planes are mixed as they are, which for NV12 is the same as mixing the pictures: the
    conversion from RGB is linear. Rounded to the nearest; the weight has 16 bits, so no sample is
    more than 0.502 away from the formula.

    Args:
        before, out: NV12 of one size and colour, any pitch.
        weight: of ``out``, 0 to 1.

    Raises:
        ValueError: the sizes differ, or the weight is not within 0 to 1.
    """
    if before.rect != out.rect:
        raise ValueError(
            f"cannot dissolve {before.width}x{before.height} into {out.width}x{out.height}: "
            "expected one size"
        )
    if not 0 <= weight <= 1:
        raise ValueError(f"found a weight of {weight:g}; expected 0 to 1")
    part = np.uint32(round(weight * _ONE))
    _mix(before.y, out.y, part)
    _mix(before.uv_rows, out.uv_rows, part)
