"""Crop: a part of a surface, antialiased to the network's grid, as planes and as a tensor."""

from __future__ import annotations

from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.gpu.planes import Plane, Tensor
from appliance.pixels.gpu.scratch import Scratch

# As in crop.cuh: the column sums that a block can hold, less the overhang at its two ends.
# A chunk is about as many words of a 1080p row as a block has threads, on a grid of 288 columns.
_LINE, _THREADS, _CHUNK = 2048 - 8, 128, 72


def crop_planes(
    scratch: Scratch, surface: Surface, rect: Rect, out: Plane, tensor: Tensor | None = None,
    x: int = 0, y: int = 0,
) -> None:  # fmt: skip
    """``cpu.crop_planes`` (``crop_yuyv``, ``crop_bgrx``) and ``planes_to_tensor`` in one pass.

    Args:
        surface: NV12, YUYV or BGRx. rect: inside it, even on all sides.
        out: three planes, overwritten. tensor: a part of it, at (x, y) and as large as ``out``,
            is written.

    Raises:
        ValueError: ``rect`` is empty, odd, or not inside; or the grid does not fit.
    """
    scratch.check(out.rows, out.columns)
    surface.check_part(rect)
    if tensor and (x + out.columns > tensor.columns or y + out.rows > tensor.rows):
        raise ValueError(f"a grid at ({x}, {y}) does not fit in {tensor}")
    chunk = min(_CHUNK, _LINE * out.columns // rect.width)
    if chunk < 1:
        raise ValueError(f"{rect} to {out.columns} columns: more than {_LINE} to one")
    name = f"crop_{surface.kind}_{tensor.suffix if tensor else 'f32'}"
    extra = {"to_yuv": scratch.bgr_to_yuv.address} if surface.kind == "bgrx" else {}
    scratch.context.kernels[name](
        (-(-out.columns // chunk), out.rows, 1), (_THREADS, 1, 1),
        **surface.arguments(), x0=rect.x, y0=rect.y, width=rect.width, height=rect.height,
        rows=out.rows, columns=out.columns, chunk=chunk, planes=out.address,
        tensor=tensor.address if tensor else 0, tensor_rows=tensor.rows if tensor else 0,
        tensor_columns=tensor.columns if tensor else 0, tensor_x=x, tensor_y=y,
        conversion=scratch.conversion.address, **extra,
    )  # fmt: skip


def fill_black(scratch: Scratch, tensor: Tensor) -> None:
    """Make the whole tensor black: for the bars beside a part of another aspect ratio."""
    scratch.context.kernels[f"fill_black_{tensor.suffix}"](
        (-(-tensor.rows * tensor.columns // 256), 1, 1), (256, 1, 1),
        tensor=tensor.address, tensor_rows=tensor.rows, tensor_columns=tensor.columns,
        conversion=scratch.conversion.address,
    )  # fmt: skip
