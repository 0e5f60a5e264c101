"""Optical flow between two frames, and a matte moved along it: for frames without the network.

DIS flow (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016), as in OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8

# Every grid is resized to this first. OpenCV's DIS dies of a segmentation fault at some sizes
# (256x16, for one), and chooses its scales, and so its cost, by size; this one is known.
_COLUMNS, _ROWS = 256, 144
# A luma difference, of 255, greater than sensor noise or a change of light causes.
_NOISE = 24
# No second map, no initial flow: the stubs do not know that these are optional.
_NONE: Any = None


@dataclass(frozen=True, slots=True)
class Motion:
    """How the whole picture moved since the last frame.

    Attributes:
        origin: float32 (rows, columns, 2): for each cell of a fixed grid over the whole frame, the
            column and row of that grid in the last frame that its content comes from.
        unexplained: the part of the picture, 0 to 1, that does not come from there.
        elapsed: nanoseconds between the two frames.
    """

    origin: F32
    unexplained: float
    elapsed: int


class Flow:
    """Where each pixel of a picture was in the previous one; keeps OpenCV's buffers in between."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        rows, columns = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float32)
        self._home = np.dstack((columns, rows))

    def __call__(self, luma: U8, previous: U8) -> F32:
        """The place in ``previous`` that each pixel of ``luma`` comes from.

        Args:
            luma, previous: uint8 (144, 256), see ``to_flow_grid``.

        Returns float32 (144, 256, 2): column and row in ``previous``, in pixels of that grid.
        """
        return np.asarray(self._dis.calc(luma, previous, _NONE) + self._home, np.float32)


def to_flow_grid(luma: F32) -> U8:
    """Luma, float32 (rows, columns), 0..255, as uint8 (144, 256), the grid of every flow."""
    small = luma.astype(np.uint8)
    if small.shape == (_ROWS, _COLUMNS):
        return small
    return np.asarray(cv2.resize(small, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA), np.uint8)


def follow(plane: F32, origin: F32) -> F32:
    """A plane of the previous picture, moved to where its pixels are now.

    Args:
        plane: float32 (rows, columns), of any size.
        origin: float32 (144, 256, 2), see ``Flow``.

    Returns float32 (rows, columns); bilinear, with the border replicated beyond the plane.
    """
    rows, columns = plane.shape
    if (rows, columns) != origin.shape[:2]:
        # Pixel centres are at .5: x' + 0.5 = (x + 0.5) * scale.
        scale = np.array([columns / _COLUMNS, rows / _ROWS], np.float32)
        sized = cv2.resize(origin, (columns, rows), interpolation=cv2.INTER_LINEAR)
        origin = np.asarray((sized + np.float32(0.5)) * scale - np.float32(0.5), np.float32)
    return _moved(plane, origin)


def unexplained(luma: U8, previous: U8, origin: F32) -> float:
    """The part of the picture, 0 to 1, that does not come from where the flow says.

    Near 1 after a cut, when the light is switched, or when somebody walks into the camera.
    """
    off = cv2.absdiff(luma, _moved(previous, origin))
    return cv2.countNonZero(cv2.threshold(off, _NOISE, 1, cv2.THRESH_BINARY)[1]) / luma.size


def _moved(plane: NDArray[Any], origin: F32) -> NDArray[Any]:
    return np.asarray(
        cv2.remap(plane, origin, _NONE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )
