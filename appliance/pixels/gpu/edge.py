"""Edge: the matte's edge shrunk or grown, and softened, by pixels of the picture."""

from __future__ import annotations

import math

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.cpu.edge import EdgePlan, edge_plan
from appliance.pixels.gpu.planes import Plane
from appliance.pixels.gpu.scratch import Scratch

__all__ = ["EdgePlan", "edge_guide", "edge_plan", "shape_edge"]

_BLOCK = (32, 8)
# Planes of Scratch.sums.
_PLAIN, _ROWS, _SOFT, _MOVED, _NORMALS = 0, 1, 2, 3, 6


def shape_edge(
    scratch: Scratch, luma: Plane, slope: Plane, offset: Plane, shift: Plane | None,
    plan: EdgePlan, out: Plane,
) -> Plane | None:  # fmt: skip
    """``cpu.shape_edge``: a, b and F-B apart, into the five planes of ``out``.

    Returns the normals, two planes that lie in ``scratch`` until its next use.
    """
    kernels, grid = scratch.context.kernels, blocks(luma.columns, luma.rows, _BLOCK)
    shape = {"rows": luma.rows, "columns": luma.columns}
    sums = Plane(scratch.sums.address, luma.rows, luma.columns)
    plain, soft = sums.plane(_PLAIN), sums.plane(_SOFT)
    moved, normals = sums.plane(_MOVED), sums.plane(_NORMALS) if plan.choke else None
    kernels["edge_coarse"](
        grid, (*_BLOCK, 1), luma=luma.address, a=slope.address, b=offset.address, **shape,
        out=plain.address,
    )  # fmt: skip
    scales = {"scale_x": plan.scale[0], "scale_y": plan.scale[1]}
    if normals:
        _blur(scratch, plain, plan.normal_sigma, sums.plane(_ROWS), soft)
        kernels["edge_normals"](
            grid, (*_BLOCK, 1), soft=soft.address, **shape, **scales,
            unit=math.sqrt(2 * math.pi) * plan.normal_sigma[0] * plan.scale[0],
            out=normals.address,
        )  # fmt: skip
    kernels["edge_move"](
        grid, (*_BLOCK, 1), a=slope.address, b=offset.address, plain=plain.address,
        normals=normals.address if normals else 0, **shape, choke=plan.choke, **scales,
        out=moved.address,
    )  # fmt: skip
    if plan.share > 0:
        _blur(scratch, moved.plane(2), plan.soft_sigma, sums.plane(_ROWS), soft)
    kernels["edge_finish"](
        grid, (*_BLOCK, 1), moved=moved.address, plain=plain.address, soft=soft.address,
        shift=shift.address if shift else 0, **shape, share=plan.share, out=out.address,
    )  # fmt: skip
    return normals


def _blur(
    scratch: Scratch, plane: Plane, sigma: tuple[float, float], between: Plane, out: Plane
) -> None:
    kernels, grid = scratch.context.kernels, blocks(plane.columns, plane.rows, _BLOCK)
    shape = {"rows": plane.rows, "columns": plane.columns}
    kernels["edge_blur_rows"](
        grid, (*_BLOCK, 1), plane=plane.address, **shape, sigma=sigma[0],
        radius=math.ceil(2.5 * sigma[0]), out=between.address,
    )  # fmt: skip
    kernels["edge_blur_columns"](
        grid, (*_BLOCK, 1), plane=between.address, **shape, sigma=sigma[1],
        radius=math.ceil(2.5 * sigma[1]), out=out.address,
    )  # fmt: skip


def edge_guide(
    context: Context, frame: Surface, rect: Rect, normals: Plane, choke: float, out: int
) -> None:
    """``cpu.edge_guide``; ``out``: address of a dense plane of the frame's size.

    Raises:
        ValueError: ``rect`` is not inside the frame, or odd.
    """
    frame.check_part(rect)
    context.kernels["edge_guide"](
        blocks(rect.width, rect.height, _BLOCK), (*_BLOCK, 1),
        luma=frame.address, pitch=frame.pitch, width=frame.width, height=frame.height,
        roi_x=rect.x, roi_y=rect.y, roi_width=rect.width, roi_height=rect.height,
        normals=normals.address, rows=normals.rows, columns=normals.columns, choke=choke,
        out=out, out_pitch=frame.width,
    )  # fmt: skip
