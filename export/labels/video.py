"""Reading clips frame by frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from export.images import UInt8Image


def read_frames(path: Path, first: int = 0, last: int | None = None) -> list[UInt8Image]:
    """Frames `first` to `last` (included; None: to the end), BGR uint8 (h, w, 3).

    Raises FileNotFoundError when the file is missing, ValueError when it holds no such frame.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; point MATTEBOX_SHARED at the shared folder")
    capture = cv2.VideoCapture(str(path))
    frames: list[UInt8Image] = []
    number = 0
    while last is None or number <= last:
        there, frame = capture.read()
        if not there:
            break
        if number >= first:
            frames.append(np.asarray(frame, np.uint8))
        number += 1
    capture.release()
    if not frames:
        raise ValueError(f"{path}: {number} frames decoded, expected more than {first}")
    return frames
