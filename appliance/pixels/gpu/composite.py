"""Composite: the person over the background, in one pass on the GPU."""

from __future__ import annotations

from appliance.cuda.context import Context, blocks
from appliance.media.surface import Surface, check_alike
from appliance.pixels.gpu.matte import Matte, matte_arguments

_BLOCK = (32, 4)
# Columns that a thread writes, and grid columns under a block's: as in composite.cuh.
_STRIP, _STRIP_CELLS = 16, 160


def composite(
    context: Context, frame: Surface, background: Surface, matte: Matte | None, out: Surface,
    *, feather_fraction: float = 1 / 9, matte_out: int = 0, matte_pitch: int = 0,
) -> None:  # fmt: skip
    """``cpu.Compositor``'s call.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    check_alike("composite", frame, background, out)
    fine = matte is not None and not _coarse(matte)
    columns = -(-out.width // _STRIP)
    context.kernels["composite_fine" if fine else "composite"](
        blocks(columns, out.height // 2, _BLOCK), (*_BLOCK, 1),
        **frame.arguments("fg_"), **background.arguments("bg_"), **out.arguments("out_"),
        matte=matte_out, matte_pitch=matte_pitch, width=out.width, height=out.height,
        **matte_arguments(matte, out, feather_fraction),
    )  # fmt: skip


def _coarse(matte: Matte) -> bool:
    """Whether a block's pixels lie under few enough columns of the grid."""
    reach = _STRIP * _BLOCK[0] * matte.slope.columns / matte.rect.width
    return min(reach + 3, matte.slope.columns) <= _STRIP_CELLS
