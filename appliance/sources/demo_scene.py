"""The demo's picture: the astronaut portrait of scikit-image, made wider than it was taken.

The photograph is 512x512; a webcam's view is wider. Its own edges are carried outwards and thrown
out of focus, more with the distance, so that the wall, the flag and the table go on without a seam
and without a second person.
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
"""Pixels added left and right, and above."""

FACE = (SIDE + 232.0, TOP + 150.0)
"""Where the view rests, in the wide picture."""

VIEW_HEIGHT = 344.0
"""Rows of the wide picture that are seen at rest."""

# From this distance to that (pixels; negative: still inside the photograph), blur by this sigma.
# It sets in before the border, so that what is carried on there has no detail left to streak.
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
    """The photograph with ``SIDE`` columns more on both sides and ``TOP`` rows more above."""
    # Single columns would smear their grain into streaks: the mean of a few is carried on.
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
        soft = cv2.GaussianBlur(wide, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        weight = np.clip((outside - start) / (end - start), 0, 1)[:, :, None]
        result = result + weight * (soft - result)
    return np.clip(result + _mottle(outside), 0, 255).astype(np.uint8)


def _mottle(outside: F32) -> F32:
    """The cloudy grain of the studio's wall, for what was added: (rows, columns, 1)."""
    draw = np.random.default_rng(7)
    noise: F32 = np.zeros(outside.shape, np.float32)
    for sigma, height in ((1.0, 2.0), (9.0, 2.5), (30.0, 4.0)):
        layer = draw.standard_normal(outside.shape).astype(np.float32)
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), np.float32)
        noise += layer * np.float32(height / layer.std())
    return (noise * np.clip(outside / 24, 0, 1))[:, :, None]


@dataclass(frozen=True, slots=True)
class Scene:
    """The wide picture as NV12, enlarged by ``scale`` to about the output's own sharpness."""

    frame: Frame
    scale: float


def make_scene(height: int, colour: Colour) -> Scene:
    """The scene for an output of so many rows."""
    wide = widen(photograph())
    scale = max(1.0, min(height / VIEW_HEIGHT, 8.0))
    size = tuple(round(side * scale / 2) * 2 for side in wide.shape[1::-1])
    large = np.asarray(cv2.resize(wide, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    return Scene(rgb_to_nv12(large, colour), scale)
