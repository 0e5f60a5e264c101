"""A soft shadow of the person on what is behind: on the wall near by, and under the feet."""

from __future__ import annotations

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Range
from appliance.media.surface import Surface, check_alike
from appliance.pixels.cpu.shadow import (
    DROP,
    FEET,
    FOOT,
    FOOT_ACROSS,
    FOOT_DARK,
    FOOT_DOWN,
    WALL,
    WALL_DARK,
    cells_of,
)
from appliance.pixels.gpu.light import Soft

__all__ = ["ContactShadow", "cells_of", "darken", "feet"]

_BLOCK = (32, 4)
_LOWEST_THREADS = 256


def feet(context: Context, alpha: int, grid: tuple[int, int], lowest: int, out: int) -> None:
    """``cpu.shadow.feet``; ``lowest``: address of an int to work in."""
    rows, columns = grid
    context.kernels["lowest"](
        (1, 1, 1), (_LOWEST_THREADS, 1, 1), alpha=alpha, rows=rows, columns=columns, row=lowest
    )
    context.kernels["feet"](
        blocks(columns, rows, _BLOCK), (*_BLOCK, 1), alpha=alpha, rows=rows, columns=columns,
        row=lowest, down=cells_of(FOOT, grid), reach=cells_of(FEET, grid), out=out,
    )  # fmt: skip


class ContactShadow:
    """``cpu.contact_shadow``, on one grid; keeps its memory."""

    def __init__(self, context: Context, grid: tuple[int, int]) -> None:
        """``grid``: rows and columns."""
        self._context, self._grid = context, grid
        cells, longer = grid[0] * grid[1], max(grid)
        self._wall, self._feet, self._foot = (context.alloc(cells) for _ in range(3))
        self._lowest = context.alloc(4)
        self._wall_soft = Soft(context, grid, WALL * longer)
        self._foot_soft = Soft(context, grid, FOOT_ACROSS * longer, FOOT_DOWN * longer)

    def __call__(self, alpha: int, strength: float, out: int) -> None:
        """Of dense uint8 (rows, columns) ``alpha``, into ``out``."""
        (rows, columns), context = self._grid, self._context
        self._wall_soft(alpha, 1, self._wall.address)
        feet(context, alpha, self._grid, self._lowest.address, self._feet.address)
        self._foot_soft(self._feet.address, 1, self._foot.address)
        context.kernels["shade"](
            blocks(columns, rows, _BLOCK), (*_BLOCK, 1), wall=self._wall.address,
            foot=self._foot.address, rows=rows, columns=columns,
            wall_down=min(cells_of(DROP, self._grid), rows - 1),
            foot_down=min(cells_of(FOOT_DOWN, self._grid), rows - 1), wall_dark=WALL_DARK,
            foot_dark=FOOT_DARK, strength=strength, out=out,
        )  # fmt: skip


def darken(context: Context, picture: Surface, shade: int, pitch: int, out: Surface) -> None:
    """``cpu.darken``; ``shade``: address of uint8 (height, width), ``pitch`` bytes a row.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    check_alike("darken", picture, out)
    context.kernels["darken"](
        blocks(out.width // 2, out.height // 2, _BLOCK), (*_BLOCK, 1), **picture.arguments("bg_"),
        shade=shade, shade_pitch=pitch, **out.arguments("out_"), width=out.width,
        height=out.height, black=16.0 if picture.colour.range is Range.LIMITED else 0.0,
    )  # fmt: skip
