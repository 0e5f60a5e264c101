"""Finds a face in picture after picture: the finder once, then its points show where to look next.

As MediaPipe's Face Mesh goes about it: the crop is a square, turned so that the eyes lie level,
half again as large as the face.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Colour, Range
from appliance.networks.face import FaceFinder, FacePoints
from appliance.pixels import cpu

_ROOM = 1.5
_PRESENT = 0.5
# A crop of the same picture from the points that were found in it: the finder's box is rough.
_AGAIN = 2
# Where a whole person is given, their face is looked for in squares of these parts of the height.
_PARTS = (1.0, 0.5, 0.3)

Aim = tuple[float, float, float, float]
"""Centre x and y, side, in pixels; the angle by which the eyes' line falls, radians."""


class FaceTracker:
    """Finds one face; used from one thread."""

    def __init__(self, finder: FaceFinder, points: FacePoints) -> None:
        self._finder, self._points = finder, points
        self._aim: Aim | None = None

    def reset(self) -> None:
        """Look for a face anew in the next picture: after a cut."""
        self._aim = None

    def __call__(self, y: U8, uv: U8, colour: Colour) -> F32 | None:
        """The points, float32 (468, 2), in the picture's pixels; None where no face is found.

        Coordinates are continuous: a pixel's middle is at its index and a half.

        Takes NV12 planes, as in ``Frame``. Raises MattingError when a network throws.
        """
        if self._aim is not None:
            found = self._look(y, uv, colour, self._aim)
            if found is not None:
                self._aim = aim_at(found)
                return found
            self._aim = None
        aim = self._find(y, uv, colour)
        found = None
        for _ in range(_AGAIN):
            found = None if aim is None else self._look(y, uv, colour, aim)
            aim = None if found is None else aim_at(found)
        self._aim = aim
        return found

    def _find(self, y: U8, uv: U8, colour: Colour) -> Aim | None:
        """Where the likeliest face is, the whole picture first, then its upper parts."""
        height, width = y.shape
        for part in _PARTS:
            side = part * max(height, width)
            aim = (width / 2, height / 2 if part == 1.0 else side / 2, side, 0.0)
            _fill(self._finder, y, uv, colour, aim)
            faces = self._finder.infer()
            if not faces:
                continue
            left, top = aim[0] - side / 2, aim[1] - side / 2
            best = faces[0]
            x, y0, w, h = best.box
            eyes = best.points[1] - best.points[0]
            return (
                left + (x + w / 2) * side, top + (y0 + h / 2) * side, _ROOM * side * max(w, h),
                math.atan2(float(eyes[1]), float(eyes[0])),
            )  # fmt: skip
        return None

    def _look(self, y: U8, uv: U8, colour: Colour, aim: Aim) -> F32 | None:
        _fill(self._points, y, uv, colour, aim)
        points, present = self._points.infer()
        if not (present >= _PRESENT and np.isfinite(points).all()):
            return None
        turn = _turn(aim, self._points.manifest.input.width)
        return np.asarray((points[:, :2] - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5, np.float32)


def aim_at(points: F32) -> Aim:
    """Where to look next for a face with these points."""
    eyes = points[263] - points[33]
    angle = math.atan2(float(eyes[1]), float(eyes[0]))
    cos, sin = math.cos(angle), math.sin(angle)
    level = points @ np.array([[cos, -sin], [sin, cos]], np.float32)
    low, high = level.min(0), level.max(0)
    x, y = ((low + high) / 2).tolist()
    side = float((high - low).max()) * _ROOM
    return (cos * x - sin * y, sin * x + cos * y, side, angle)


def _turn(aim: Aim, size: int) -> F32:
    """From the crop's pixels to the picture's, by pixels' indices (their middles); (2, 3)."""
    x, y, side, angle = aim
    by = side / size
    cos, sin = by * math.cos(angle), by * math.sin(angle)
    half = (size - 1) / 2
    return np.array(
        [
            [cos, -sin, x - 0.5 - (cos - sin) * half],
            [sin, cos, y - 0.5 - (sin + cos) * half],
        ],
        np.float32,
    )


def _fill(
    network: FaceFinder | FacePoints, y: U8, uv: U8, colour: Colour, aim: Aim
) -> None:  # fmt: skip
    """Put a crop into a network's input; black beyond the picture."""
    spec = network.manifest.input
    size = spec.width
    turn = _turn(aim, size)
    planes = np.empty((3, size, size), np.float32)
    black = 16.0 if colour.range is Range.LIMITED else 0.0
    planes[0] = _warp(y, turn, size, black)
    half = turn.copy()
    half[:, :2] /= 2
    half[:, 2] = (turn[:, 2] - 0.5) / 2
    planes[1:] = np.moveaxis(_warp(uv, half, size, 128.0), 2, 0)
    cpu.planes_to_tensor(
        planes, colour, np.array(spec.mean, np.float32), np.array(spec.scale, np.float32),
        network.input, bgr=spec.order == "BGR",
    )  # fmt: skip


def _warp(plane: U8, turn: F32, size: int, beyond: float) -> F32:
    step = max(1, int(math.hypot(float(turn[0, 0]), float(turn[1, 0]))))
    if step > 1:
        # Shrunk first where it must shrink much, or a warp would skip pixels.
        rows, columns = plane.shape[0] // step * step, plane.shape[1] // step * step
        plane = np.asarray(
            cv2.resize(
                plane[:rows, :columns], (columns // step, rows // step),
                interpolation=cv2.INTER_AREA,
            ),
            np.uint8,
        )  # fmt: skip
        turn = np.asarray(turn / step, np.float32)
        turn[:, 2] += 0.5 / step - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(
            plane.astype(np.float32), turn, (size, size), None, flags, cv2.BORDER_CONSTANT,
            (beyond,) * 4,
        ),
        np.float32,
    )  # fmt: skip
