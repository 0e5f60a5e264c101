"""A matte as pictures are made with it: coefficients on the grid, and how they are stretched."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.feather import feather

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

NONE, SOME, ALL = np.uint8(0), np.uint8(1), np.uint8(2)
"""What a cell holds: alpha 0 throughout, anything, or 255 throughout."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The whole frame in cells, and what each holds of a matte.

    Attributes:
        kinds: uint8 (rows, columns): NONE, SOME or ALL.
        tops, lefts: int64 (rows + 1), (columns + 1): where they begin, and the last end; even.
    """

    kinds: U8
    tops: I64
    lefts: I64


@dataclass(frozen=True, slots=True)
class Matte:
    """A matte as the composite takes it: coefficients on the network's grid over an ROI.

    Attributes:
        rect: the part of the frame that the grid covers, even on all sides.
        coefficients: float32 (5, rows, columns): a, b (alpha = a*Y + b, clipped to 0..1), then
            F-B of Y, Cb and Cr (all 0 where colours are not corrected).
        shifted: whether F-B is anything but 0.
        levels: alpha up to this becomes 0, from one minus this it becomes 1, linear in between.
        guide: uint8 (height, width) of the frame: Y for alpha, where that is not the frame's own.
        cells: of a matte that is its guide as it is; None: of any other.
    """

    rect: Rect
    coefficients: F32
    shifted: bool
    levels: float = 0.0
    guide: U8 | None = None
    cells: Cells | None = None


def reached(matte: Matte) -> I32:
    """For each grid row, the columns of the ROI (even, exclusive end) that alpha can reach.

    alpha is a*Y + b with Y in 0..255, interpolated between grid points: where neither end of that
    range is above ``levels`` at any of them, the composite is exactly the background.
    """
    a, b = matte.coefficients[0], matte.coefficients[1]
    reached = np.maximum(b, b + 255 * a) > matte.levels + 1e-6
    rows, columns = reached.shape
    scale = matte.rect.width / columns
    first = reached.argmax(axis=1)
    last = columns - 1 - reached[:, ::-1].argmax(axis=1)
    # A grid point reaches as far as its neighbours' centres, and at the border to the edge.
    left = np.where(first == 0, 0, np.floor((first - 0.5) * scale / 2) * 2)
    right = np.where(last == columns - 1, matte.rect.width, np.ceil((last + 1.5) * scale / 2) * 2)
    spans = np.empty((rows, 2), np.int32)
    some = reached.any(axis=1)
    spans[:, 0] = np.where(some, np.maximum(left, 0), matte.rect.width)
    spans[:, 1] = np.where(some, np.minimum(right, matte.rect.width), 0)
    return spans


class Stretch:
    """Coefficients stretched to the ROI's width, and its ramps; keeps their memory."""

    def __init__(self) -> None:
        self._wide = np.empty(0, np.float32)
        self._chroma = np.empty(0, np.float32)
        self._ramps: tuple[object, F32, F32] | None = None

    def ramps(self, rect: Rect, whole: Rect, fraction: float) -> tuple[F32, F32]:
        """The feather along the ROI's columns and rows, float32, 0..1."""
        key = (rect, whole, fraction)
        if self._ramps is None or self._ramps[0] != key:
            fx = feather(
                rect.width, rect.width * fraction, start=rect.x > 0, end=rect.right < whole.width
            )
            fy = feather(
                rect.height,
                rect.height * fraction,
                start=rect.y > 0,
                end=rect.bottom < whole.height,
            )
            self._ramps = (key, fx, fy)
        return self._ramps[1], self._ramps[2]

    def wide(self, matte: Matte) -> tuple[F32, F32]:
        """Stretch the coefficients to the ROI's width; the kernel stretches them in height."""
        _, rows, columns = matte.coefficients.shape
        width = matte.rect.width
        if self._wide.size < 3 * rows * width:
            self._wide = np.zeros(3 * rows * width, np.float32)
            self._chroma = np.zeros(rows * width, np.float32)
        wide = self._wide[: 3 * rows * width].reshape(3, rows, width)
        chroma = self._chroma[: rows * width].reshape(rows, width)
        planes = 3 if matte.shifted else 2
        cv2.resize(
            matte.coefficients[:planes].reshape(planes * rows, columns),
            (width, planes * rows),
            dst=wide[:planes].reshape(planes * rows, width),
        )
        if matte.shifted:
            pairs = cv2.merge([matte.coefficients[3], matte.coefficients[4]])
            cv2.resize(pairs, (width // 2, rows), dst=chroma.reshape(rows, width // 2, 2))
        else:
            wide[2] = 0
            chroma[:] = 0
        return wide, chroma
