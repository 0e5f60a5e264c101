"""Refine: the fast guided filter's coefficients, and the colour that soft pixels should lose."""

from __future__ import annotations

from appliance.cuda.context import blocks
from appliance.pixels.gpu.planes import Plane
from appliance.pixels.gpu.scratch import Scratch

_BLOCK = (32, 8)
# The largest radius of the kernels that take both directions in one: BOX_RADIUS in guided.cuh.
_BOX_RADIUS = 4


def guided_coefficients(
    scratch: Scratch, luma: Plane, alpha: Plane, radius: int, epsilon: float, out: Plane, *,
    previous: Plane | None = None, moved: Plane | None = None, strength: float = 0.0,
) -> None:  # fmt: skip
    """``cpu.guided_coefficients``; with ``previous`` and ``moved``, ``cpu.steady`` on both."""
    kernels, grid = scratch.context.kernels, blocks(alpha.columns, alpha.rows, _BLOCK)
    shape = {"rows": alpha.rows, "columns": alpha.columns, "radius": radius}
    blend = {
        "previous": previous.address if previous else 0, "moved": moved.address if moved else 0,
        "strength": strength, "out": out.address,
    }  # fmt: skip
    if radius <= _BOX_RADIUS:
        kernels["guided_box"](
            grid, (*_BLOCK, 1), luma=luma.address, alpha=alpha.address, **shape, epsilon=epsilon,
            out=scratch.ab.address,
        )  # fmt: skip
        kernels["guided_mean_box"](grid, (*_BLOCK, 1), ab=scratch.ab.address, **shape, **blend)
        return
    kernels["guided_rows"](
        grid, (*_BLOCK, 1), luma=luma.address, alpha=alpha.address, **shape,
        out=scratch.sums.address,
    )  # fmt: skip
    kernels["guided_columns"](
        grid, (*_BLOCK, 1), sums=scratch.sums.address, **shape, epsilon=epsilon,
        out=scratch.ab.address,
    )  # fmt: skip
    kernels["guided_mean_rows"](
        grid, (*_BLOCK, 1), ab=scratch.ab.address, **shape, out=scratch.sums.address
    )
    kernels["guided_mean_columns"](grid, (*_BLOCK, 1), sums=scratch.sums.address, **shape, **blend)


def foreground_shift(
    scratch: Scratch, planes: Plane, alpha: Plane, radius: int, out: Plane
) -> None:
    """``cpu.foreground_shift``: three planes out."""
    kernels, grid = scratch.context.kernels, blocks(alpha.columns, alpha.rows, _BLOCK)
    shape = {"rows": alpha.rows, "columns": alpha.columns, "radius": radius}
    if radius <= _BOX_RADIUS:
        kernels["shift_box"](
            grid, (*_BLOCK, 1), planes=planes.address, alpha=alpha.address, **shape,
            out=out.address,
        )  # fmt: skip
        return
    kernels["shift_rows"](
        grid, (*_BLOCK, 1), planes=planes.address, alpha=alpha.address, **shape,
        out=scratch.sums.address,
    )  # fmt: skip
    kernels["shift_columns"](
        grid, (*_BLOCK, 1), sums=scratch.sums.address, **shape, out=out.address
    )
