"""Composite: the person over the background, a caption on top, in one pass on the GPU."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import DeviceOverlay, Surface
from appliance.pixels.gpu.planes import Plane

_BLOCK = (32, 4)
_SPAN = 16  # columns that one thread of the composite writes


@dataclass(frozen=True, slots=True)
class Matte:
    """A ``cpu.Matte`` in device memory.

    Attributes:
        rect: the part of the frame that the grid covers, even on all sides.
        slope, offset: a and b, one plane each: alpha = a*Y + b, clipped to 0..1.
        shift: F-B of Y, Cb and Cr, three planes; None where colours are not corrected.
        levels: see ``cpu.Matte``.
        guide: address of the luma for alpha, dense, of the frame's size; 0: the frame's own.
        verdict: address of the VERDICT that may forbid showing the person; 0: none.
    """

    rect: Rect
    slope: Plane
    offset: Plane
    shift: Plane | None
    levels: float = 0.0
    verdict: int = 0
    guide: int = 0


def composite(
    context: Context, frame: Surface, background: Surface, matte: Matte | None, out: Surface,
    *, feather_fraction: float = 1 / 9, overlay: DeviceOverlay | None = None,
    matte_out: int = 0, matte_pitch: int = 0,
) -> None:  # fmt: skip
    """``cpu.Compositor``'s call, with ``cpu.blend_overlay`` on top, in one pass.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    surfaces = (frame, background, out)
    if (
        not (frame.rect == background.rect == out.rect)
        or (out.width | out.height) & 1
        or any(surface.kind != "nv12" for surface in surfaces)
    ):
        raise ValueError(
            "cannot composite "
            + ", ".join(f"{s.width}x{s.height} {s.kind}" for s in surfaces)
            + ": expected one even size, and NV12"
        )
    rect = matte.rect if matte else Rect(0, 0, 0, 0)
    if matte:
        out.check_part(rect)
    sides = (
        (rect.x > 0) | (rect.right < out.width) << 1
        | (rect.y > 0) << 2 | (rect.bottom < out.height) << 3
    )  # fmt: skip
    slope = matte.slope if matte else Plane(0, 1, 1)
    context.kernels["composite"](
        blocks(-(-out.width // _SPAN), out.height // 2, _BLOCK), (*_BLOCK, 1),
        **frame.arguments("fg_"), **background.arguments("bg_"), **out.arguments("out_"),
        matte=matte_out, matte_pitch=matte_pitch, width=out.width, height=out.height,
        roi_x=rect.x, roi_y=rect.y, roi_width=rect.width, roi_height=rect.height,
        guide=matte.guide if matte else 0, guide_pitch=out.width,
        a=slope.address, b=matte.offset.address if matte else 0,
        shift=matte.shift.address if matte and matte.shift else 0, rows=slope.rows,
        columns=slope.columns, levels=matte.levels if matte else 0.0,
        ramp_x=rect.width * feather_fraction, ramp_y=rect.height * feather_fraction,
        ramp_sides=int(sides), verdict=matte.verdict if matte else 0, **_overlay(overlay),
    )  # fmt: skip


def _overlay(overlay: DeviceOverlay | None) -> dict[str, float]:
    o = overlay or DeviceOverlay(*([0] * 10))
    return {
        "over_y": o.luma, "over_y_pitch": o.luma_pitch, "over_uv": o.chroma,
        "over_uv_pitch": o.chroma_pitch, "over_alpha": o.alpha, "over_alpha_pitch": o.alpha_pitch,
        "over_x": o.x, "over_top": o.y, "over_width": o.width, "over_height": o.height,
    }  # fmt: skip
