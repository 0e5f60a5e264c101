"""Where the appliance puts a picture of any shape in a network's input: the one place to ask."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import Rect
from appliance.networks.manifest import InputSpec
from appliance.stages.letterbox import inner_rect
from export.images import UInt8Image

__all__ = ["Rect", "letterboxed", "window"]


def window(aspect: float, width: int, height: int) -> Rect:
    """Where a picture of that width / height lies in an input; the rest is black bars."""
    shape = Rect(0, 0, max(1, round(1000 * aspect)), 1000)
    return inner_rect(shape, InputSpec(name="image", width=width, height=height))


def letterboxed(image: UInt8Image, width: int, height: int) -> tuple[UInt8Image, Rect]:
    """A picture (h, w, 3) in an input (height, width, 3), and where it lies there."""
    rows, columns = image.shape[:2]
    place = window(columns / rows, width, height)
    smaller = place.width <= columns and place.height <= rows
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    frame = np.zeros((height, width, 3), np.uint8)
    frame[place.y : place.bottom, place.x : place.right] = cv2.resize(
        image, (place.width, place.height), interpolation=method
    )
    return frame, place
