"""Frames in which the person is a bright disc and the room has a luma that nothing else has."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.frame import Colour, Frame, Matrix, Range

FULL = Colour(Matrix.BT601, Range.FULL)
ROOM, PERSON, STAGE = 60, 230, 120
"""Luma of the room (must never leave), the person, and the new background."""


def flat(width: int, height: int, luma: int) -> Frame:
    """A grey frame."""
    y = np.full((height, width), luma, np.uint8)
    return Frame(y, np.full((height // 2, width // 2, 2), 128, np.uint8), FULL)


def disc(
    width: int = 320, height: int = 180, x: float = 160, y: float = 90, radius: float = 40,
    serial: int = 0, fps: float = 30,
) -> Frame:  # fmt: skip
    """A person (the disc) in the room."""
    frame = flat(width, height, ROOM)
    cv2.circle(frame.y, (round(x), round(y)), round(radius), PERSON, -1)
    time = round(serial * 1e9 / fps)
    return Frame(frame.y, frame.uv, FULL, pts=time, captured=time + 1, serial=serial)


class Stage:
    """A background of one luma."""

    def __init__(self, width: int = 320, height: int = 180) -> None:
        self.picture = flat(width, height, STAGE)

    def frame(self, live: Frame) -> Frame:
        """The same picture, always."""
        return self.picture


def leaked(y: np.ndarray) -> int:
    """How many pixels are of the room's luma (±8: codecs and blending with the room's grey)."""
    return int((np.abs(y.astype(int) - ROOM) <= 8).sum())
