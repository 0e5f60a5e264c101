"""Tiles joined, emulated, against ``cpu``.

Tolerance: OpenCV rounds positions to 1/32 pixel and the kernel does not. On alphas that change by
at most 1/16 a pixel that is 0.004.
"""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, Colour, Rect
from appliance.pixels import cpu
from appliance.pixels.gpu import Scratch, join_tiles
from tests.kernels.memory import Memory

ONE = np.ones(3, np.float32)
TARGET = Rect(40, 20, 576, 320)
SHAPE = (40, 72)


def smooth(seed: int, rows: int, columns: int) -> F32:
    """An alpha without steps, 0 at its border."""
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    hill = np.minimum(np.minimum(x, columns - 1 - x), np.minimum(y, rows - 1 - y)) / 16
    return np.clip(hill * (0.6 + 0.1 * seed), 0, 1).astype(np.float32)


def joined(memory: Memory, tiles: list[tuple[F32, Rect]], half: bool = False) -> F32:
    scratch = Scratch(memory.context, *SHAPE, colour=Colour(), mean=ONE, scale=ONE)
    out = memory.empty(1, *SHAPE)
    raws = [(memory.raw(alpha, pad=3, half=half), covered) for alpha, covered in tiles]
    join_tiles(scratch, raws, TARGET, out)
    return memory.read(out)[0]


@pytest.mark.parametrize("half", [False, True])
def test_joins_as_the_cpu_does(memory: Memory, half: bool) -> None:
    tiles = [
        (smooth(1, 80, 72), Rect(60, 60, 180, 200)),  # about five of its pixels to one
        (smooth(2, 40, 36), Rect(420, 100, 260, 230)),  # reaches beyond the target
        (smooth(3, 20, 24), Rect(200, 80, 288, 240)),  # coarser than the grid; overlaps both
    ]
    want = cpu.join_tiles(tiles, TARGET, SHAPE)
    assert want.max() > 0.9
    assert np.abs(joined(memory, tiles, half) - want).max() < (0.006 if half else 0.004)


def test_what_is_no_number_is_not_covered_up(memory: Memory) -> None:
    bad = smooth(1, 40, 36)
    bad[20, 18] = np.nan
    tiles = [(bad, Rect(60, 60, 200, 200)), (smooth(2, 40, 36), Rect(60, 60, 200, 200))]
    assert np.isnan(joined(memory, tiles)).any()
    assert np.isnan(joined(memory, tiles[::-1])).any()
    assert np.isnan(cpu.join_tiles(tiles, TARGET, SHAPE)).any()
