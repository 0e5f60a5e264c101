"""Optical flow between two frames, and what is moved along it.

DIS flow (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016), as in OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.jit import kernel

Quality = Literal["ultrafast", "fast", "medium"]

# Every picture is resized to one of these grids first. OpenCV's DIS dies of a segmentation fault at
# some sizes (256x16, for one), and chooses its scales, and so its cost, by size; these are known.
_GRIDS: dict[Quality, tuple[int, int, int]] = {
    "ultrafast": (256, 144, cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
    "fast": (480, 270, cv2.DISOPTICAL_FLOW_PRESET_FAST),
    "medium": (480, 270, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
}
_COLUMNS, _ROWS = 256, 144
# A luma difference, of 255, greater than sensor noise or a change of light causes.
_NOISE = 24
# Whether the flow explains the picture is looked up at about so many cells a row.
_LOOKED_UP = 128
# No second map, no initial flow: the stubs do not know that these are optional.
_NONE: Any = None


@dataclass(frozen=True, slots=True)
class Motion:
    """How the whole picture moved since the last frame.

    Attributes:
        origin: float32 (rows, columns, 2): for each cell of a fixed grid over the whole frame, the
            column and row of that grid in the last frame that its content comes from. The grid has
            the same cells whatever the frame's size; see ``origin_over`` for another one.
        unexplained: the part of the picture, 0 to 1, that does not come from there.
        elapsed: nanoseconds between the two frames, above 0.
        off: uint8, a coarser grid over the whole frame: 1 where that is so.
    """

    origin: F32
    unexplained: float
    elapsed: int
    off: U8


class Flow:
    """Where each pixel of a picture was in the previous one; keeps OpenCV's buffers in between.

    Attributes:
        columns, rows: the grid; upright ones are as high as the others are wide.
    """

    def __init__(self, quality: Quality = "ultrafast", *, upright: bool = False) -> None:
        columns, rows, preset = _GRIDS[quality]
        self.columns, self.rows = (rows, columns) if upright else (columns, rows)
        self._dis = cv2.DISOpticalFlow.create(preset)

    def __call__(self, luma: U8, previous: U8) -> F32:
        """The place in ``previous`` that each pixel of ``luma`` comes from.

        Args:
            luma, previous: uint8 (rows, columns), see ``shrink`` and ``to_flow_grid``.

        Returns float32 (rows, columns, 2): column and row in ``previous``, in pixels of that grid.

        Raises:
            ValueError: not of this grid (OpenCV would crash, not complain).
        """
        if luma.shape != (self.rows, self.columns) or previous.shape != luma.shape:
            raise ValueError(
                f"no flow from {previous.shape} to {luma.shape}: expected {self.rows} rows and "
                f"{self.columns} columns for both"
            )
        shift = np.asarray(self._dis.calc(luma, previous, _NONE), np.float32)
        return np.add(shift, home(self.rows, self.columns), out=shift)


@cache
def home(rows: int, columns: int) -> F32:
    """Float32 (rows, columns, 2): each cell's own column and row; not to be written to."""
    down, across = np.mgrid[0:rows, 0:columns].astype(np.float32)
    own: F32 = np.dstack((across, down))
    own.flags.writeable = False
    return own


def to_flow_grid(luma: F32) -> U8:
    """Luma, float32 (rows, columns), 0..255, as uint8 (144, 256), the grid of ``ultrafast``."""
    small = luma.astype(np.uint8)
    if small.shape == (_ROWS, _COLUMNS):
        return small
    return np.asarray(cv2.resize(small, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA), np.uint8)


def shrink(luma: U8, columns: int, rows: int) -> U8:
    """Luma, uint8 of any size and pitch, on a flow's grid, uint8 (rows, columns).

    A cell is the mean of four bilinear samples: 16 pixels. The mean of all of them, which is the
    same up to four times the grid's size, takes as long as the flow itself (1.8 ms from 1080p).
    """
    if luma.shape[0] > 2 * rows and luma.shape[1] > 2 * columns:
        twice = (2 * columns, 2 * rows)
        luma = np.asarray(cv2.resize(luma, twice, interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.resize(luma, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def follow(plane: F32, origin: F32) -> F32:
    """A plane of the previous picture, moved to where its pixels are now.

    Args:
        plane: float32 (rows, columns), of any size.
        origin: float32 of any grid over the same part of the picture; see ``Flow``.

    Returns float32 (rows, columns); bilinear, with the border replicated beyond the plane.
    """
    rows, columns = plane.shape
    of_rows, of_columns = origin.shape[:2]
    if (rows, columns) != (of_rows, of_columns):
        # Pixel centres are at .5: x' + 0.5 = (x + 0.5) * scale.
        scale = np.array([columns / of_columns, rows / of_rows], np.float32)
        sized = cv2.resize(origin, (columns, rows), interpolation=cv2.INTER_LINEAR)
        origin = np.asarray((sized + np.float32(0.5)) * scale - np.float32(0.5), np.float32)
    return _moved(plane, origin)


def origin_over(motion: Motion, frame: Rect, rect: Rect, rows: int, columns: int) -> F32:
    """The whole frame's motion on another grid, which covers a part of it, for ``follow``.

    Args:
        frame: the whole frame. rect: the part of it that the other grid covers; may reach beyond.
        rows, columns: that grid's size.

    Returns float32 (rows, columns, 2), in cells of that grid.
    """
    own_rows, own_columns = motion.origin.shape[:2]
    shift = motion.origin - home(own_rows, own_columns)
    # Cells of the motion's grid to one of the other, and to a pixel.
    per_x, per_y = own_columns / frame.width, own_rows / frame.height
    x, y = rect.width / columns * per_x, rect.height / rows * per_y
    left, top = (rect.x - frame.x) * per_x, (rect.y - frame.y) * per_y
    place = np.array([[x, 0, left + 0.5 * x - 0.5], [0, y, top + 0.5 * y - 0.5]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = cv2.warpAffine(
        shift, place, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    scale = np.array([1 / x, 1 / y], np.float32)
    return np.asarray(there * scale + home(rows, columns), np.float32)


class Shows(Protocol):
    """Which part of the picture fills the canvas: its corner, pixels, and its enlargement."""

    @property
    def left(self) -> float: ...  # noqa: D102
    @property
    def top(self) -> float: ...  # noqa: D102
    @property
    def scale(self) -> float: ...  # noqa: D102


def origin_through(origin: F32, frame: Rect, before: Shows, now: Shows) -> F32:
    """The picture's motion as it is seen on a canvas that shows a part of it.

    Args:
        origin: see ``Motion``. frame: the whole frame, which has the canvas's size.
        before, now: what the canvas shows in the last frame and in this one.

    Returns the same for the canvas, on the same grid.
    """
    rows, columns = origin.shape[:2]
    per = np.array([columns / frame.width, rows / frame.height])
    corner = np.array([now.left, now.top]) * per
    last_corner = np.array([before.left, before.top]) * per
    one = 1 / now.scale
    start = 0.5 * one + corner - 0.5
    place = np.array([[one, 0, start[0]], [0, one, start[1]]], np.float64)
    shift = cv2.warpAffine(
        origin - home(rows, columns), place, (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    there = home(rows, columns) * one + start + shift
    return np.asarray((there + 0.5 - last_corner) * before.scale - 0.5, np.float32)


def unexplained_over(motion: Motion, frame: Rect, rect: Rect) -> float:
    """``Motion.unexplained`` of a part of the frame, of a cell at least."""
    rows, columns = motion.off.shape
    x, right = (_cells(edge - frame.x, frame.width, columns) for edge in (rect.x, rect.right))
    y, bottom = (_cells(edge - frame.y, frame.height, rows) for edge in (rect.y, rect.bottom))
    x, y = min(x, columns - 1), min(y, rows - 1)
    return float(motion.off[y : max(bottom, y + 1), x : max(right, x + 1)].mean())


def _cells(pixels: int, of: int, cells: int) -> int:
    return min(max(0, round(pixels * cells / of)), cells)


@kernel("void(uint8[:, :], uint8[:, :], float32[:, :, :], int64, int64, uint8[:, ::1])")
def _off(luma: U8, previous: U8, origin: F32, every: int, noise: int, off: U8) -> None:
    rows, columns = previous.shape
    for r in range(off.shape[0]):
        for c in range(off.shape[1]):
            x, y = origin[every * r, every * c, 0], origin[every * r, every * c, 1]
            if not (abs(x) < 1e6 and abs(y) < 1e6):  # NaN is no place
                off[r, c] = 1
                continue
            x = min(max(x, np.float32(0)), np.float32(columns - 1))
            y = min(max(y, np.float32(0)), np.float32(rows - 1))
            left, top = int(x), int(y)
            right, bottom = min(left + 1, columns - 1), min(top + 1, rows - 1)
            t, s = x - np.float32(left), y - np.float32(top)
            over = previous[top, left] * (np.float32(1) - t) + previous[top, right] * t
            under = previous[bottom, left] * (np.float32(1) - t) + previous[bottom, right] * t
            there = over * (np.float32(1) - s) + under * s
            off[r, c] = abs(there - np.float32(luma[every * r, every * c])) > noise


def off_at(luma: U8, previous: U8, origin: F32) -> U8:
    """Where the picture does not come from where the flow says: see ``Motion.off``."""
    every = max(1, max(luma.shape) // _LOOKED_UP)
    off = np.empty((luma.shape[0] // every, luma.shape[1] // every), np.uint8)
    _off(luma, previous, origin, every, _NOISE, off)
    return off


def unexplained(luma: U8, previous: U8, origin: F32) -> float:
    """The part of the picture, 0 to 1, that does not come from where the flow says.

    Near 1 after a cut, when the light is switched, or when somebody walks into the camera.
    """
    return float(off_at(luma, previous, origin).mean())


def _moved(plane: NDArray[Any], origin: F32) -> NDArray[Any]:
    return np.asarray(
        cv2.remap(plane, origin, _NONE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )
