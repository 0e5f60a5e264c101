"""A matte as pictures are made with it, in device memory."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.gpu.planes import Plane


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


def matte_arguments(matte: Matte | None, out: Surface, feather_fraction: float) -> dict[str, float]:
    """What the kernels that work under a matte take of it; without one they show nobody.

    Raises ValueError unless its rectangle is even and lies inside ``out``.
    """
    rect = matte.rect if matte else Rect(0, 0, 0, 0)
    if matte:
        out.check_part(rect)
    sides = (
        (rect.x > 0) | (rect.right < out.width) << 1
        | (rect.y > 0) << 2 | (rect.bottom < out.height) << 3
    )  # fmt: skip
    slope = matte.slope if matte else Plane(0, 1, 1)
    return {
        "roi_x": rect.x, "roi_y": rect.y, "roi_width": rect.width, "roi_height": rect.height,
        "guide": matte.guide if matte else 0, "guide_pitch": out.width,
        "a": slope.address, "b": matte.offset.address if matte else 0,
        "shift": matte.shift.address if matte and matte.shift else 0,
        "rows": slope.rows, "columns": slope.columns, "levels": matte.levels if matte else 0.0,
        "ramp_x": rect.width * feather_fraction, "ramp_y": rect.height * feather_fraction,
        "ramp_sides": int(sides), "verdict": matte.verdict if matte else 0,
    }  # fmt: skip
