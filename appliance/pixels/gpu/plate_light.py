"""The plate in the light as it is now, on the grid, and compared with the picture.

The comparison is summed on the device; the host follows the light with it, a frame later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.cuda.context import Context, blocks
from appliance.media.frame import F32, Rect
from appliance.pixels.cpu.plate_light import MAP, Fit, RoomLight, settle
from appliance.pixels.gpu.crop import crop_planes
from appliance.pixels.gpu.planes import Plane
from appliance.pixels.gpu.plate import Plate
from appliance.pixels.gpu.scratch import Scratch

__all__ = ["MAP", "Fit", "RoomLight", "compare", "expected_planes", "settle", "sums_of"]

_BLOCK, _THREADS = (32, 8), 128
_BLOCKS = MAP[0] * MAP[1]
COMPARED = (_BLOCKS, 17)
"""Shape of the float32 sums of ``compare``."""

# Where settle's sums beside those of the blocks lie: see plate_compare.
_SUMS = (0, 5, 4, 6, 1, 7, 8, 9, 10, 11, 12, 13, 14)


def expected_planes(
    scratch: Scratch, plate: Plate, light: int, rect: Rect, expected: Plane, noise: Plane
) -> None:
    """``cpu.crop_planes`` of the plate, ``cpu.plate_noise`` and ``cpu.expected_planes``.

    Args:
        light: address of a ``DeviceLight``. expected: three planes, overwritten. noise: one.
    """
    picture = plate.picture
    crop_planes(scratch, picture, rect, expected)
    scratch.context.kernels["plate_expected"](
        blocks(expected.columns, expected.rows, _BLOCK), (*_BLOCK, 1), planes=expected.address,
        noise=noise.address, times=plate.times.address, spread=plate.spread.address,
        cell=plate.cell, cell_columns=plate.cells[1], x0=rect.x, y0=rect.y, width=rect.width,
        height=rect.height, frame_width=picture.width, frame_height=picture.height,
        rows=expected.rows, columns=expected.columns, light=light,
    )  # fmt: skip


def compare(
    context: Context, live: Plane, expected: Plane, noise: Plane, taken: int, rect: Rect,
    whole: Rect, light: int, out: int,
) -> None:  # fmt: skip
    """The first half of ``cpu.fit_light``: what ``settle`` takes, see ``sums_of``.

    Args:
        taken: see ``taken_cells``. out: address of float32 ``COMPARED``, overwritten.
    """
    context.kernels["plate_compare"](
        (_BLOCKS, 1, 1), (_THREADS, 1, 1), live=live.address, expected=expected.address,
        noise=noise.address, taken=taken, rows=live.rows, columns=live.columns, x0=rect.x,
        y0=rect.y, width=rect.width, height=rect.height, frame_width=whole.width,
        frame_height=whole.height, light=light, out=out,
    )  # fmt: skip


def sums_of(compared: F32) -> tuple[NDArray[Any], NDArray[Any], float]:
    """What ``compare`` summed: the blocks and sums for ``settle``; the share of people, 0..1."""
    blocks_of = compared[:, :5].T.astype(np.float64).reshape(5, *MAP)
    sums = compared.astype(np.float64).sum(axis=0)
    return blocks_of, sums[list(_SUMS)], float(sums[16] / max(sums[15], 1))
