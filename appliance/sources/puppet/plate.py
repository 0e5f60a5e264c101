"""What was behind the person: the still's own background, its hole filled once."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame

# Filled on a small copy: what was there nobody knows, and streaks in full size would look sharp.
_LONGEST = 256
_RADIUS = 5
# Of the picture's longer side: hair, shadow and what the matte missed go, too.
_GROW = 1 / 80
_FEATHER = 1 / 160


def complete(frame: Frame, alpha: U8) -> Frame:
    """The frame without the person.

    Args:
        frame: NV12. alpha: uint8 (height, width), the person.

    Pixels far from the person are the frame's own. Where nothing but the person is, the whole is
    filled with grey.
    """
    longest = max(alpha.shape)
    grow = max(2, round(_GROW * longest))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1))
    hole = np.asarray(cv2.dilate((alpha > 12).astype(np.uint8), disc), np.uint8)
    if hole.all():
        plane = np.full_like(frame.y, 126)
        return Frame(plane, np.full_like(frame.uv, 128), frame.colour)
    feather = max(1, round(_FEATHER * longest))
    size = 2 * feather + 1
    # Full inside the hole, fading outside of it.
    around = cv2.dilate(hole, np.ones((size, size), np.uint8)).astype(np.float32)
    share = np.asarray(cv2.blur(around, (size, size)), np.float32)
    y = filled(frame.y, hole, share)
    half = (frame.uv.shape[1], frame.uv.shape[0])
    small_hole = np.asarray(cv2.resize(hole, half, interpolation=cv2.INTER_AREA), np.uint8)
    small_hole = np.asarray(cv2.dilate(small_hole, np.ones((3, 3), np.uint8)), np.uint8)
    small_share = np.asarray(cv2.resize(share, half, interpolation=cv2.INTER_AREA), np.float32)
    planes = [
        filled(np.ascontiguousarray(frame.uv[:, :, c]), small_hole, small_share) for c in (0, 1)
    ]
    return Frame(y, np.dstack(planes), frame.colour)


def filled(plane: U8, hole: U8, share: F32) -> U8:
    """A plane with its hole filled from around it, softly.

    Args:
        plane: uint8 (rows, columns). hole: uint8, not 0 where nothing is known.
        share: float32, 0..1: how much of the filling to take in each pixel.
    """
    rows, columns = plane.shape
    by = min(1.0, _LONGEST / max(rows, columns))
    size = (max(2, round(columns * by)), max(2, round(rows * by)))
    some = cv2.resize((hole > 0).astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    mask = (np.asarray(some) > 0).astype(np.uint8)
    if mask.all():
        return np.full_like(plane, 126)
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    inpainted = cv2.inpaint(small, mask, _RADIUS, cv2.INPAINT_TELEA)
    soft = np.where(mask > 0, cv2.GaussianBlur(inpainted, (0, 0), 2), small)
    wide = cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    mixed = plane + (wide - plane) * share
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)
