"""Working memory and tables for the GPU's operations on the network's grid."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.cuda.context import Context
from appliance.media.frame import F32, Colour
from appliance.pixels.cpu.convert import bgr_to_yuv
from appliance.pixels.cpu.crop import yuv_to_rgb

# Sizes of the structs in components.cuh.
_COMPONENT_BYTES, _TALLY_BYTES = 32, 24


class Scratch:
    """Device memory for grids of up to ``rows`` x ``columns``: one grid at a time.

    Attributes:
        context: whose memory it is, and whose stream everything is launched on.
        rows, columns: of the largest grid.
        grow: see ``clean``.
        conversion: float32 (18,): from Y, Cb, Cr to the network's channels, their mean and scale.
        bgr_to_yuv: float32 (3, 4), see ``cpu.bgr_to_yuv``.
        widths: int32 (2 * grow + 1,), see ``disc_widths``.
        sums: float32 (8, rows, columns); ab: float32 (2, rows, columns): of ``guided``.
        parent, bits, components, roots, finals, tally: of ``keep_components``, see components.cuh.
        mask: what ``keep_components`` kept: uint8 (rows, columns), dense.
        reach: uint8 (rows, columns): of ``clean``.
    """

    def __init__(
        self,
        context: Context,
        rows: int,
        columns: int,
        *,
        colour: Colour,
        mean: F32,
        scale: F32,
        bgr: bool = False,
        grow: int = 4,
    ) -> None:
        """Allocate all memory.

        Args:
            rows, columns: of the largest grid.
            colour, mean, scale, bgr: see ``planes_to_tensor``. grow: see ``clean``.
        """
        self.context, self.rows, self.columns, self.grow = context, rows, columns, grow
        matrix = yuv_to_rgb(colour)[::-1] if bgr else yuv_to_rgb(colour)
        words = np.concatenate((matrix.ravel(), mean, scale)).astype(np.float32)
        self.conversion = context.upload(words)
        self.bgr_to_yuv = context.upload(bgr_to_yuv(colour))
        self.widths = context.upload(disc_widths(grow))
        pixels, squares = rows * columns, ((rows + 1) // 2) * ((columns + 1) // 2)
        self.sums = context.alloc(8 * 4 * pixels)
        self.ab = context.alloc(2 * 4 * pixels)
        self.parent = context.alloc(4 * squares)
        self.bits = context.alloc(squares)
        self.components = context.alloc(_COMPONENT_BYTES * squares)
        self.roots = context.alloc(4 * squares)
        self.finals = context.alloc(4 * squares)
        self.tally = context.alloc(_TALLY_BYTES, zero=True)
        self.mask = context.alloc(pixels)
        self.reach = context.alloc(pixels)

    def regrow(self, grow: int) -> None:
        """Change ``grow``; allocates and waits, so only between two frames."""
        if grow != self.grow:
            self.grow = grow
            self.widths = self.context.upload(disc_widths(grow))

    def check(self, rows: int, columns: int) -> None:
        """Raise ValueError for a grid that is empty, or larger than the memory allocated."""
        if rows * columns > self.rows * self.columns or columns < 1 or rows < 1:
            raise ValueError(
                f"a grid of {columns}x{rows}: memory was taken for {self.columns}x{self.rows}"
            )


def disc_widths(grow: int) -> NDArray[np.int32]:
    """Half the width of each row of OpenCV's disc of radius ``grow``; -1 for an empty row."""
    size = 2 * grow + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray((disc.sum(axis=1, dtype=np.int32) - 1) // 2, np.int32)
