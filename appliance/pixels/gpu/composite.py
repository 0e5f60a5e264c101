"""Composite: the person over the background, in one pass on the GPU."""

from __future__ import annotations

from appliance.cuda.context import Context, blocks
from appliance.media.surface import Surface, check_alike
from appliance.pixels.gpu.matte import Matte, matte_arguments

_BLOCK = (32, 4)
_SPAN = 16  # columns that one thread of the composite writes


def composite(
    context: Context, frame: Surface, background: Surface, matte: Matte | None, out: Surface,
    *, feather_fraction: float = 1 / 9, matte_out: int = 0, matte_pitch: int = 0,
) -> None:  # fmt: skip
    """``cpu.Compositor``'s call.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    check_alike("composite", frame, background, out)
    context.kernels["composite"](
        blocks(-(-out.width // _SPAN), out.height // 2, _BLOCK), (*_BLOCK, 1),
        **frame.arguments("fg_"), **background.arguments("bg_"), **out.arguments("out_"),
        matte=matte_out, matte_pitch=matte_pitch, width=out.width, height=out.height,
        **matte_arguments(matte, out, feather_fraction),
    )  # fmt: skip
