"""A look, by table, in device memory."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.cuda.context import Buffer, Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.cpu.look import LookTable as HostTable
from appliance.pixels.cpu.look import check_look

_BLOCK = (32, 8)


@dataclass(frozen=True, slots=True, eq=False)
class LookTable:
    """A ``cpu.LookTable`` in device memory: 101 MB, uploaded once."""

    luma: Buffer
    chroma: Buffer


def upload_look(context: Context, table: HostTable) -> LookTable:
    """Copy a table to the device; waits, as all set-up does."""
    return LookTable(context.upload(table.luma), context.upload(table.chroma))


def apply_look(
    context: Context, frame: Surface, table: LookTable, out: Surface, rect: Rect | None = None
) -> None:
    """``cpu.apply_look``; ``out`` may be the frame itself.

    Raises:
        ValueError: sizes differ or are odd, ``rect`` is not inside, or a surface is not NV12.
    """
    if {frame.kind, out.kind} != {"nv12"}:
        raise ValueError(f"cannot apply a look to {frame.kind} into {out.kind}: expected NV12")
    rect = check_look(frame, out, rect)
    if rect.area == 0:
        return
    context.kernels["apply_look"](
        blocks(rect.width // 2, rect.height // 2, _BLOCK), (*_BLOCK, 1),
        **frame.arguments("in_"), **out.arguments("out_"), luma=table.luma.address,
        chroma=table.chroma.address, left=rect.x, top=rect.y, right=rect.right,
        bottom=rect.bottom,
    )  # fmt: skip
