"""The demo's picture: scikit-image's portrait of an astronaut, made wider than it was taken.

The photograph is 512x512; a webcam's view is wider. Its own edges are extended outwards and
blurred, more with distance, so that the wall, the flag and the table continue without a seam and
without a second person.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from appliance.errors import MissingDependency
from appliance.media.frame import F32, U8, Colour, Frame
from appliance.media.rgb import rgb_to_nv12

SIDE, TOP = 176, 40
"""Pixels added on the left and right, and above."""

FACE = (SIDE + 232.0, TOP + 150.0)
"""The centre of the view at rest, in the wide picture."""

VIEW_HEIGHT = 344.0
"""Rows of the wide picture that are in view at rest."""

# From the first distance to the second (pixels; negative: inside the photograph), fade in a blur of
# this sigma. It starts before the border, so that what is extended there has no detail to streak.
_BLUR = ((-14, -4, 2.0), (-8, 4, 6.0), (0, 20, 16.0), (16, 80, 36.0))


def photograph() -> U8:
    """The portrait, RGB (512, 512, 3).

    Raises MissingDependency when the scikit-image package is not installed; it is found without
    being imported.
    """
    spec = importlib.util.find_spec("skimage")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    picture = cv2.imread(str(folder / "data" / "astronaut.png")) if folder else None
    if picture is None:
        raise MissingDependency(
            "demo:// shows a portrait from the scikit-image package, which is not installed here; "
            "install it with: pip install scikit-image (make setup does), or choose another source"
        )
    return np.ascontiguousarray(picture[:, :, ::-1])


def widen(photo: U8) -> U8:
    """The photograph with ``SIDE`` more columns on either side and ``TOP`` more rows above."""
    # Single columns would smear their grain into streaks: the mean of a few is extended instead.
    edges = photo.astype(np.float32)
    left, right = edges[:, :6].mean(1, keepdims=True), edges[:, -6:].mean(1, keepdims=True)
    wide = np.concatenate((np.repeat(left, SIDE, 1), edges, np.repeat(right, SIDE, 1)), axis=1)
    wide = np.concatenate((np.repeat(wide[:4].mean(0, keepdims=True), TOP, 0), wide))
    rows, columns = np.mgrid[: wide.shape[0], : wide.shape[1]].astype(np.float32)
    outside = np.maximum(
        np.maximum(SIDE - columns, columns - (SIDE + photo.shape[1] - 1)), TOP - rows
    )
    result = wide
    for start, end, sigma in _BLUR:
        soft = _blurred(wide, sigma)
        weight = np.clip((outside - start) / (end - start), 0, 1)[:, :, None]
        result = result + weight * (soft - result)
    return np.clip(result + _mottle(outside), 0, 255).astype(np.uint8)


def _blurred(picture: F32, sigma: float, border: int = cv2.BORDER_REPLICATE) -> F32:
    """A wide blur of a small copy: what is lost by that, the blur would have taken, too."""
    shrink = 4 if sigma > 8 else 1
    small = picture
    if shrink > 1:
        size = (picture.shape[1] // shrink, picture.shape[0] // shrink)
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=border)
    if shrink > 1:
        soft = cv2.resize(soft, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(soft, np.float32)


def _mottle(outside: F32) -> F32:
    """The cloudy grain of the studio wall, for what was added: float32 (rows, columns, 1)."""
    draw = np.random.default_rng(7)
    noise: F32 = np.zeros(outside.shape, np.float32)
    for sigma, height in ((1.0, 2.0), (9.0, 2.5), (30.0, 4.0)):
        layer = draw.standard_normal(outside.shape).astype(np.float32)
        layer = _blurred(layer, sigma, cv2.BORDER_REFLECT_101)
        noise += layer * np.float32(height / layer.std())
    return (noise * np.clip(outside / 24, 0, 1))[:, :, None]


@dataclass(frozen=True, slots=True)
class Scene:
    """The wide picture as NV12, enlarged by ``scale`` to about the output's own sharpness."""

    frame: Frame
    scale: float


def make_scene(height: int, colour: Colour) -> Scene:
    """The scene for an output of ``height`` rows."""
    wide = widen(photograph())
    scale = max(1.0, min(height / VIEW_HEIGHT, 8.0))
    size = tuple(round(side * scale / 2) * 2 for side in wide.shape[1::-1])
    large = np.asarray(cv2.resize(wide, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    return Scene(rgb_to_nv12(large, colour), scale)
