"""Plate: the empty room, learnt where nobody is, pixel by pixel, a part of the rows each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from appliance.cuda.context import Buffer, Context, blocks
from appliance.cuda.transfer import pitched
from appliance.media.frame import F32, Format, Rect
from appliance.media.surface import Surface
from appliance.pixels.cpu.plate import KNOWN, cell_of, turns_of
from appliance.pixels.cpu.plate_light import MAP, RoomLight
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.pixels.gpu.scratch import Scratch

__all__ = [
    "KNOWN",
    "DeviceLight",
    "Plate",
    "cell_of",
    "empty_plate",
    "free_cells",
    "learn",
    "taken_cells",
    "turns_of",
]

_BLOCK = (32, 8)
_MOST_PARTS = 3
_OFFSETS = 3 * MAP[0] * MAP[1]


@dataclass(frozen=True, slots=True)
class Plate:
    """A ``cpu.Plate`` in device memory.

    Attributes:
        picture: NV12 of the frame's size. mean_y, mean_uv, times, spread, odd: dense, as there.
        free: uint8 (rows, columns): which cells are free in this frame.
        cells: rows and columns. cell: pixels of a cell's side.
    """

    context: Context
    picture: Surface
    mean_y: Buffer
    mean_uv: Buffer
    times: Buffer
    spread: Buffer
    odd: Buffer
    free: Buffer
    cells: tuple[int, int]
    cell: int

    def forget(self) -> None:
        """Nothing is known any more. Not to be recorded into a graph."""
        with self.context.guard("forgetting the empty room"):
            for buffer in (self.times, self.odd, self.spread):
                self.context.driver.memset_d8_async(
                    buffer.address, 0, buffer.nbytes, self.context.stream
                )


def empty_plate(context: Context, format: Format) -> Plate:
    """A plate of which nothing is known. Allocates."""
    width, height = format.width, format.height
    cell = cell_of(width, height)
    rows, columns = -(-height // cell), -(-width // cell)
    picture = pitched(context, format)
    with context.guard("clearing the empty room"):
        # Unknown samples count nothing, but must not be what once was in that memory.
        context.driver.memset_d8(picture.address, 128, picture.pitch * (height + height // 2))
    return Plate(
        context, picture, context.alloc(2 * width * height, zero=True),
        context.alloc(width * height, zero=True), context.alloc(rows * columns, zero=True),
        context.alloc(4 * rows * columns, zero=True), context.alloc(rows * columns, zero=True),
        context.alloc(rows * columns, zero=True), (rows, columns), cell,
    )  # fmt: skip


class DeviceLight:
    """What the host decides of the plate for a frame; ``address`` never moves."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._mapped = context.integrated
        self._staged: F32
        shape = (_OFFSETS + 3,)
        if self._mapped:
            self._staged, self.address = context.mapped(shape, np.float32)
        else:
            self._staged = context.pinned(shape, np.float32)
            self._buffer = context.alloc(self._staged.nbytes)
            self.address = self._buffer.address
        self._staged[:] = np.nan

    def put(self, light: RoomLight, *, used: bool = True, start: int = 0) -> None:
        """Have it there. Not to be recorded; the frame before must be finished.

        Args:
            used: whether the plate is sound. start: the first row that is compared, 0 or 1.
        """
        wanted = np.append(light.offset, (light.gain, used, start)).astype(np.float32)
        if np.array_equal(self._staged, wanted):
            return
        self._staged[:] = wanted
        if self._mapped:
            return
        with self._context.guard("sending the room's light"):
            self._context.driver.memcpy_htod_async(self.address, self._staged, self._context.stream)


def taken_cells(
    scratch: Scratch, raw: Raw, alpha: Plane | None, margin: int, along: int, out: int,
    *, seen: Sequence[tuple[int, int, int, int]] = (), verdict: int = 0,
) -> None:  # fmt: skip
    """Where somebody may be: alpha above 0.03, and ``margin`` pixels around.

    Args:
        raw: the network's alpha. alpha: what was made of it, of the same size; either counts.
        along: address of uint8 (rows, columns), overwritten.
        out: address of the same, overwritten: bit 0 where somebody may be, bit 1 where raw is above
            0.8. seen: left, top, right and bottom of the parts looked at, at most 3; none: all.
        verdict: address of the VERDICT; a refused matte says that somebody may be anywhere.

    Raises:
        ValueError: there are more parts.
    """
    if len(seen) > _MOST_PARTS:
        raise ValueError(f"{len(seen)} parts were looked at: expected at most {_MOST_PARTS}")
    context, grid = scratch.context, blocks(raw.columns, raw.rows, _BLOCK)
    context.kernels[f"plate_taken_{'f16' if raw.half else 'f32'}"](
        grid, (*_BLOCK, 1), raw=raw.address, stride=raw.stride, alpha=alpha.address if alpha else 0,
        rows=raw.rows, columns=raw.columns, margin=margin, out=along,
    )  # fmt: skip
    places = {
        f"{side}_{k}": value
        for k in range(_MOST_PARTS)
        for side, value in zip(
            ("left", "top", "right", "bottom"), seen[k] if k < len(seen) else (0,) * 4, strict=True
        )
    }
    context.kernels["plate_taken_down"](
        grid, (*_BLOCK, 1), along=along, rows=raw.rows, columns=raw.columns, margin=margin,
        verdict=verdict, parts=len(seen), out=out, **places,
    )  # fmt: skip


def free_cells(
    plate: Plate, taken: int, grid: tuple[int, int], rect: Rect, turn: int = 0, turns: int = 1,
    *, clear: bool = True,
) -> None:  # fmt: skip
    """``cpu.free_cells`` into ``plate.free``.

    Args:
        taken: see ``taken_cells``. grid: its rows and columns, over ``rect``.
        clear: cells outside are not free; else they stay as they are.
    """
    rows, columns = plate.cells
    plate.context.kernels["plate_free"](
        blocks(columns, -(-(rows - turn) // turns), _BLOCK), (*_BLOCK, 1), taken=taken,
        rows=grid[0], columns=grid[1], x0=rect.x, y0=rect.y, width=rect.width, height=rect.height,
        cell=plate.cell, cell_rows=rows, cell_columns=columns, turn=turn, turns=turns,
        clear=int(clear), out=plate.free.address,
    )  # fmt: skip


def learn(
    plate: Plate, frame: Surface, light: int, turn: int, turns: int, seen: int,
    *, everywhere: bool = False, patience: int = 45,
) -> None:  # fmt: skip
    """``cpu.learn`` from the cells in ``plate.free``, or from all.

    Args:
        light: address of a ``DeviceLight``.
        seen: address of int32 (3,), added to: known cells looked at, those of them that have
            changed, and all known ones of this turn's rows.

    Raises:
        ValueError: sizes differ, or the frame is not NV12.
    """
    picture = plate.picture
    if frame.rect != picture.rect or frame.kind != "nv12":
        raise ValueError(
            f"cannot learn a plate of {picture.width}x{picture.height} from a frame of "
            f"{frame.width}x{frame.height} {frame.kind}: expected the same size, and NV12"
        )
    rows, columns = plate.cells
    plate.context.kernels["plate_learn"](
        blocks(columns, -(-(rows - turn) // turns), _BLOCK), (*_BLOCK, 1),
        **frame.arguments(), **picture.arguments("plate_"), mean_y=plate.mean_y.address,
        mean_uv=plate.mean_uv.address, times=plate.times.address, spread=plate.spread.address,
        odd=plate.odd.address, is_free=0 if everywhere else plate.free.address, light=light,
        width=frame.width, height=frame.height, cell=plate.cell, rows=rows, columns=columns,
        turn=turn, turns=turns, patience=patience, seen=seen,
    )  # fmt: skip
