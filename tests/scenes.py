"""Frames in which the person is a bright disc and the room has a luma that nothing else has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np

from appliance.media.frame import Colour, Frame, Matrix, Range

FULL = Colour(Matrix.BT601, Range.FULL)
ROOM, PERSON, STAGE = 60, 230, 120
"""Luma of the room (must never leave), the person, and the new background."""
ROOM_CHROMA = (90, 190)
"""Cb and Cr of the room: a red that nothing else has, not even a slate's text."""


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
    frame.uv[:] = ROOM_CHROMA
    cv2.circle(frame.y, (round(x), round(y)), round(radius), PERSON, -1)
    grey = cv2.resize(frame.y, (width // 2, height // 2), interpolation=cv2.INTER_AREA) > ROOM + 9
    frame.uv[grey] = 128
    time = round(serial * 1e9 / fps)
    return Frame(frame.y, frame.uv, FULL, pts=time, captured=time + 1, serial=serial)


class Stage:
    """A background of one luma."""

    wants_frame = False

    def __init__(self, width: int = 320, height: int = 180) -> None:
        self.picture = flat(width, height, STAGE)

    def frame(self, live: Frame) -> Frame:
        """The same picture, always."""
        return self.picture


def leaked(y: np.ndarray) -> int:
    """How many pixels are of the room's luma (±8, for blending)."""
    return int((np.abs(y.astype(int) - ROOM) <= 8).sum())


def room_share(uv: np.ndarray) -> float:
    """The part of a chroma plane (rows, columns, 2) that shows the room: 0 to 1."""
    away = np.abs(uv.astype(int) - np.array(ROOM_CHROMA)).max(axis=2)
    return float((away <= 16).mean())


def room_clip(path: Path, frames: int = 60, width: int = 320, height: int = 180) -> Path:
    """A video of the disc swaying in the room, 30 fps, full range BT.601."""
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "nv12",
        "-s", f"{width}x{height}", "-r", "30", "-color_range", "pc", "-i", "-",
        "-c:v", "libx264", "-crf", "8", "-preset", "ultrafast", "-pix_fmt", "yuvj420p",
        "-colorspace", "smpte170m", "-color_range", "pc", str(path),
    ]  # fmt: skip
    pictures = []
    for i in range(frames):
        x = width / 2 + width / 6 * np.sin(2 * np.pi * i / frames)
        frame = disc(width, height, x, height / 2, height / 5)
        pictures.append(frame.y.tobytes() + frame.uv.tobytes())
    subprocess.run(command, input=b"".join(pictures), check=True, timeout=60)
    return path
