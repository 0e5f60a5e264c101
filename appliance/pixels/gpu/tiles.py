"""Tiles: the alphas of several parts of a frame, put together on one grid."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.cuda.context import blocks
from appliance.media.frame import Rect
from appliance.pixels.cpu.tiles import samples
from appliance.pixels.gpu.planes import Plane, Raw, warp
from appliance.pixels.gpu.scratch import Scratch

_BLOCK = (32, 8)


def join_tiles(
    scratch: Scratch, tiles: Sequence[tuple[Raw, Rect]], target: Rect, out: Plane
) -> None:
    """``cpu.join_tiles``, of at least one tile, into ``out``, which must not be a tile's memory."""
    for number, (raw, covered) in enumerate(tiles):
        grid = (raw.rows, raw.columns)
        count = samples(grid, covered, out.grid, target)
        lies = warp(grid, covered, target, (count * out.rows, count * out.columns))
        lies.pop("same")
        scratch.context.kernels[f"join_tiles_{'f16' if raw.half else 'f32'}"](
            blocks(out.columns, out.rows, _BLOCK), (*_BLOCK, 1),
            raw=raw.address, stride=raw.stride, tile_rows=raw.rows, tile_columns=raw.columns,
            **lies, samples=count, first=int(number == 0), out=out.address, rows=out.rows,
            columns=out.columns,
        )  # fmt: skip
