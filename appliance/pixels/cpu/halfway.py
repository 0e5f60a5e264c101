"""The person's motion as seen at a time between two frames, or soon after both."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.flow import home, shrink
from appliance.pixels.cpu.jit import kernel

_NONE: Any = None
# The motion at a time in between is where it is told to be by itself: so many rounds settle that.
_ROUNDS = 2
# From so many cells within the person on, the motion found there is believed. Nearer to the border
# it is mixed with what stands behind, and gives way to the motion of the inner parts around it.
_SURE = 6.0
# Those around: so many cells to each side, and as many again where there are none.
_AROUND = 12


@kernel("void(float32[:, :, :], float32[:, :], float32[:, :, ::1])")
def _weigh_motion(origin: F32, inside: F32, out: F32) -> None:
    for r in range(inside.shape[0]):
        for c in range(inside.shape[1]):
            sure = min(inside[r, c] * np.float32(1 / _SURE), np.float32(1))
            weight = sure * sure
            out[r, c, 0] = (origin[r, c, 0] - np.float32(c)) * weight
            out[r, c, 1] = (origin[r, c, 1] - np.float32(r)) * weight
            out[r, c, 2] = weight


@kernel(
    "void(float32[:, :, ::1], float32[:, :, ::1], float32[:, :, ::1], float32[:, :, :],"
    "float32[:, :, ::1])"
)
def _settle(own: F32, near: F32, far: F32, origin: F32, out: F32) -> None:
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            weight = near[r, c, 2] + np.float32(0.02) * far[r, c, 2]
            rest = np.float32(1) - own[r, c, 2]
            if weight > np.float32(1e-6):
                scale = rest / weight
                for i in range(2):
                    around = near[r, c, i] + np.float32(0.02) * far[r, c, i]
                    out[r, c, i] = own[r, c, i] + around * scale
            else:
                out[r, c, 0] = origin[r, c, 0] - np.float32(c)
                out[r, c, 1] = origin[r, c, 1] - np.float32(r)


def halfway(origin: F32, at: float, alpha: U8 | None = None) -> F32:
    """How the person moved, at another time than the second frame's.

    Args:
        origin: see ``Motion.origin``: of the whole picture.
        at: 0 is the first frame's time, 1 the second's; above 1, the motion goes on as it was.
        alpha: uint8, of any size: where the person is in the second frame. None: unknown, so the
            motion of the whole picture is taken, which at the person's edge is mixed with the
            room's.

    Returns float32 (rows, columns, 2): how far, in cells, what is at each cell at that time moved
    from the second frame back to the first. Far from the person it is 0.
    """
    rows, columns = origin.shape[:2]
    if alpha is None:
        return _at_that_time(np.asarray(origin - home(rows, columns), np.float32), at)
    small = shrink(alpha, columns, rows)
    whole = np.zeros((rows, columns, 2), np.float32)
    box = cv2.boundingRect(small)
    if box[2] == 0:
        return whole
    # What the person passes between the two times, and the surroundings that edges are read from.
    x, y, width, height = box
    some = (
        origin[y : y + height, x : x + width] - home(rows, columns)[y : y + height, x : x + width]
    )
    far = int(np.ceil(abs(1 - at) * float(max(some.max(), -some.min())))) + 3
    left, top = max(0, x - far), max(0, y - far)
    right, bottom = min(columns, x + width + far), min(rows, y + height + far)
    shift = _of_the_person(
        origin[top:bottom, left:right] - np.array((left, top), np.float32),
        small[top:bottom, left:right],
    )
    whole[top:bottom, left:right] = _at_that_time(shift, at)
    return whole


def _at_that_time(shift: F32, at: float) -> F32:
    own = home(*shift.shape[:2])
    there = shift
    for _ in range(_ROUNDS):
        place = own - np.float32(1 - at) * there
        there = np.asarray(
            cv2.remap(shift, place, _NONE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            np.float32,
        )
    return there


def _of_the_person(origin: F32, alpha: U8) -> F32:
    """The motion of what is well within the person, spread to the border and beyond it."""
    solid = cv2.threshold(alpha, 127, 1, cv2.THRESH_BINARY)[1]
    # Beyond the part that is looked at, the person goes on.
    solid = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    inside = np.asarray(cv2.distanceTransform(solid, cv2.DIST_L2, 3), np.float32)[1:-1, 1:-1]
    own = np.empty((*alpha.shape, 3), np.float32)
    _weigh_motion(origin, inside, own)
    side = 2 * _AROUND + 1
    near = np.asarray(cv2.blur(own, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)
    far = np.asarray(cv2.blur(near, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)
    shift = np.empty((*alpha.shape, 2), np.float32)
    _settle(own, near, far, origin, shift)
    return shift
