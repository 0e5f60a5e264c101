"""Surfaces that are not NV12, converted in device memory."""

from __future__ import annotations

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Colour
from appliance.media.surface import Surface
from appliance.pixels.cpu.convert import bgr_to_yuv, yuv_to_bgr

_BLOCK = (32, 4)


class Matrices:
    """A colour's two matrices in device memory, for the conversions that need one.

    Attributes:
        context: whose memory it is, and whose stream everything is launched on.
        to_bgr: float32 (3, 4), ``yuv_to_bgr``'s. to_yuv: likewise, ``bgr_to_yuv``'s.
    """

    def __init__(self, context: Context, colour: Colour) -> None:
        self.context = context
        self.to_bgr = context.upload(yuv_to_bgr(colour))
        self.to_yuv = context.upload(bgr_to_yuv(colour))


def nv12_to_bgrx(matrices: Matrices, frame: Surface, out: Surface) -> None:
    """A frame for a display. Raises ValueError when kinds or sizes do not fit."""
    _same(frame, "nv12", out, "bgrx")
    matrices.context.kernels["nv12_to_bgrx"](
        blocks(-(-frame.width // 8), (frame.height + 1) // 2, _BLOCK), (*_BLOCK, 1),
        **frame.arguments(), width=frame.width, height=frame.height,
        matrix=matrices.to_bgr.address, out=out.address, out_pitch=out.pitch,
    )  # fmt: skip


def yuyv_to_nv12(context: Context, pixels: Surface, out: Surface) -> None:
    """The same picture as NV12. Raises ValueError when kinds or sizes do not fit."""
    _same(pixels, "yuyv", out, "nv12", even=True)
    context.kernels["yuyv_to_nv12"](
        blocks(-(-out.width // 8), out.height // 2, _BLOCK), (*_BLOCK, 1),
        **pixels.arguments(), width=out.width, height=out.height, **out.arguments(),
    )  # fmt: skip


def bgrx_to_nv12(matrices: Matrices, pixels: Surface, out: Surface) -> None:
    """The same picture as NV12. Raises ValueError when kinds or sizes do not fit."""
    _same(pixels, "bgrx", out, "nv12", even=True)
    matrices.context.kernels["bgrx_to_nv12"](
        blocks(out.width // 2, out.height // 2, _BLOCK), (*_BLOCK, 1),
        **pixels.arguments(), width=out.width, height=out.height,
        matrix=matrices.to_yuv.address, **out.arguments(),
    )  # fmt: skip


def _same(
    source: Surface, source_kind: str, out: Surface, out_kind: str, *, even: bool = False
) -> None:
    odd = even and (out.width | out.height) & 1
    kinds = (source.kind, out.kind)
    if kinds != (source_kind, out_kind) or source.rect != out.rect or odd:
        raise ValueError(
            f"cannot convert {source.kind} of {source.width}x{source.height} to {out.kind} of "
            f"{out.width}x{out.height}: expected {source_kind} to {out_kind} of one size"
            f"{', even' if even else ''}"
        )
