"""A drawn person for the puppet's tests: a pose, a matte, and a picture of noise."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import Colour, Frame
from appliance.sources.puppet import landmarks as lm

WIDTH, HEIGHT = 320, 240
F32 = np.ndarray


def pose_at(x: float = 160, y: float = 110, width: float = 60, *, seen: float = 0.99) -> F32:
    """Someone from the front, arms hanging, standing; shoulders' middle and width in pixels."""
    at = {
        lm.NOSE: (0, -0.55), 3: (0.12, -0.62), 6: (-0.12, -0.62),
        2: (0.08, -0.62), 5: (-0.08, -0.62),
        7: (0.2, -0.58), 8: (-0.2, -0.58), 9: (0.07, -0.42), 10: (-0.07, -0.42),
        11: (0.5, 0), 12: (-0.5, 0), 13: (0.65, 0.5), 14: (-0.65, 0.5),
        15: (0.7, 1.0), 16: (-0.7, 1.0), 19: (0.7, 1.2), 20: (-0.7, 1.2),
        23: (0.3, 1.0), 24: (-0.3, 1.0), 25: (0.3, 1.45), 26: (-0.3, 1.45),
        27: (0.3, 1.85), 28: (-0.3, 1.85), 31: (0.33, 1.95), 32: (-0.33, 1.95),
    }  # fmt: skip
    pose = np.zeros((lm.COUNT, 4), np.float32)
    pose[:, 3] = seen
    pose[:, :2] = (x, y)
    for point, (right, down) in at.items():
        pose[point, :2] = (x + right * width, y + down * width)
    return pose


def turned(pose: F32, degrees: float, about: tuple[float, float]) -> F32:
    """All of a pose turned about a point, clockwise as seen."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    out = pose.copy()
    out[:, :2] = (pose[:, :2] - about) @ turn.T + about
    return out


def matte_of(pose: F32, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Thick lines along the bones, soft at the edge."""
    out = np.zeros(shape, np.uint8)
    wide = int(np.hypot(*(pose[11, :2] - pose[12, :2])))
    lines = [
        (11, 12, 0.3), (11, 24, 0.5), (12, 23, 0.5), (11, 13, 0.3), (13, 15, 0.26), (15, 19, 0.26),
        (12, 14, 0.3), (14, 16, 0.26), (16, 20, 0.26), (23, 25, 0.34), (25, 27, 0.3), (27, 31, 0.3),
        (24, 26, 0.34), (26, 28, 0.3), (28, 32, 0.3), (0, 0, 0.62), (9, 11, 0.2), (10, 12, 0.2),
    ]  # fmt: skip
    for a, b, thick in lines:
        start, end = (tuple(int(v) for v in pose[p, :2]) for p in (a, b))
        cv2.line(out, start, end, 255, max(3, int(thick * wide)))
    return np.asarray(cv2.GaussianBlur(out, (0, 0), 1.2), np.uint8)


def noise_frame(seed: int = 0, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Frame:
    """Smooth noise, within the limits of video."""
    rng = np.random.default_rng(seed)

    def plane(rows: int, columns: int) -> np.ndarray:
        small = rng.integers(30, 225, (rows // 8, columns // 8), np.uint8)
        return cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC).clip(16, 235)

    rows, columns = shape
    uv = np.dstack([plane(rows // 2, columns // 2) for _ in range(2)])
    return Frame(plane(rows, columns), uv, Colour())
