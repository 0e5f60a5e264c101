"""Views of photographs as they were taken: the parts of a picture that an appliance looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from export.images import UInt8Image
from export.letterbox import Rect, window
from export.synthesis.backgrounds import Rng
from export.synthesis.camera import random_camera, shoot

# How much black bars count: the appliance cuts them off before anybody sees them.
_BARS = 0.2
# How far a view reaches over its picture's edges, as a share of the picture.
_BEYOND = 1.04


@dataclass(frozen=True)
class Photograph:
    """BGR uint8 (h, w, 3), alpha uint8 (h, w), and how far it is to be believed, uint8 (h, w)."""

    image: UInt8Image
    alpha: UInt8Image
    weight: UInt8Image


@dataclass(frozen=True)
class _Part:
    """A part of a picture: middle and size in pixels, turned by `angle`."""

    x: float
    y: float
    width: float
    height: float
    angle: float

    def pose(self, place: Rect, flip: bool) -> np.ndarray:
        """The 2x3 matrix from the picture's pixels to the view's."""
        across, down = place.width / self.width, place.height / self.height
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[cos * across, -sin * across], [sin * down, cos * down]])
        if flip:
            turn[0] *= -1
        middle = np.array([place.x + place.width / 2, place.y + place.height / 2])
        offset = middle - turn @ np.array([self.x, self.y])
        return np.hstack([turn, offset[:, None]]).astype(np.float32)


def _people(alpha: UInt8Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all people; the whole picture where there are none."""
    ys, xs = np.nonzero(alpha > 127)
    if len(ys) == 0:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def _part(rng: Rng, alpha: UInt8Image, aspect: float) -> _Part:
    """The whole picture, a region round its people as the appliance's, or any part."""
    height, width = alpha.shape
    angle = float(rng.normal(0, 0.06)) if rng.random() < 0.5 else 0.0
    kind = rng.random()
    if kind < 0.35:
        x, y, w, h = width / 2, height / 2, width, height
        over = rng.uniform(0.9, 1.05)
    elif kind < 0.7:
        left, top, right, bottom = _people(alpha)
        x, y, w, h = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        over = 1 + rng.uniform(0.02, 0.5)
    else:
        size = rng.uniform(0.35, 1.0)
        w, h = width * size, height * size
        x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height
        over = 1.0
    x += rng.normal(0, 0.06) * w
    y += rng.normal(0, 0.06) * h
    # Towards the frame's shape, now more, now less: the rest is stretched or barred.
    towards = rng.uniform(0.3, 1.0)
    wanted = float(np.exp(np.log(w / h) * (1 - towards) + np.log(aspect) * towards))
    if w / h < wanted:
        w = h * wanted
    elif rng.random() < 0.5:
        h = w / wanted
    else:  # a closer look: cut by the frame's lower or upper edge
        cut = h - w / wanted
        h = w / wanted
        y += cut * rng.uniform(-0.5, 0.5)
    # Hardly beyond the picture: what lies there is mirrored, people and all.
    w, h = min(w * over, _BEYOND * width), min(h * over, _BEYOND * height)
    reach_x, reach_y = (_BEYOND * width - w) / 2, (_BEYOND * height - h) / 2
    x = float(np.clip(x, width / 2 - reach_x, width / 2 + reach_x))
    y = float(np.clip(y, height / 2 - reach_y, height / 2 + reach_y))
    return _Part(x, y, w, h, angle)


def view(
    rng: Rng, photographs: Sequence[Photograph], width: int, height: int, moments: int = 1
) -> tuple[UInt8Image, UInt8Image, UInt8Image]:
    """Frames BGR uint8 (moments, height, width, 3), alphas and weights uint8 (moments, h, w).

    Of one photograph, `moments` times a moment apart: shifted a little, with new noise.
    """
    taken = photographs[int(rng.integers(len(photographs)))]
    part = _part(rng, taken.alpha, width / height)
    place = window(part.width / part.height, width, height)
    flip = bool(rng.random() < 0.5)
    camera = random_camera(rng, width, height)
    still = rng.random() < 0.4
    frames, alphas, weights = [], [], []
    for moment in range(moments):
        if moment and not still:
            move = rng.normal(0, 0.006, 2)
            part = _Part(
                part.x + move[0] * part.width, part.y + move[1] * part.height,
                part.width, part.height, part.angle,
            )  # fmt: skip
        planes = (taken.image, taken.alpha, taken.weight)
        image, alpha, weight = _warped(planes, part.pose(place, flip), width, height)
        frame = shoot(rng, camera, image)
        outside = np.ones((height, width), bool)
        outside[place.y : place.bottom, place.x : place.right] = False
        frame[outside] = 0
        alpha[outside] = 0
        weight[outside] = round(255 * _BARS)
        frames.append(frame)
        alphas.append(alpha)
        weights.append(weight)
    return np.stack(frames), np.stack(alphas), np.stack(weights)


def _warped(
    planes: Sequence[UInt8Image], pose: np.ndarray, width: int, height: int
) -> list[UInt8Image]:
    """Each plane through the pose, mirrored beyond its edges; averaged where it shrinks."""
    shrink = float(np.sqrt(abs(np.linalg.det(pose[:, :2]))))
    done = []
    for plane in planes:
        turn = pose.copy()
        rows, columns = plane.shape[:2]
        if shrink < 0.7:  # warpAffine does not antialias: go most of the way by area first
            size = (max(2, round(columns * shrink)), max(2, round(rows * shrink)))
            plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
            turn[:, 0] *= columns / size[0]
            turn[:, 1] *= rows / size[1]
        warped = cv2.warpAffine(plane, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        done.append(np.ascontiguousarray(warped, np.uint8))
    return done
