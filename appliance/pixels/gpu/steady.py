"""Steady: motion-guided smoothing of the matte over time, at the network's grid."""

from __future__ import annotations

from appliance.cuda.context import blocks
from appliance.media.frame import Rect
from appliance.pixels.gpu.planes import Plane, warp
from appliance.pixels.gpu.scratch import Scratch

_BLOCK = (32, 8)


def resample(
    scratch: Scratch, plane: Plane, source: Rect, target: Rect, border: float, out: Plane
) -> None:
    """``cpu.resample``; ``out`` must not be ``plane``."""
    scratch.context.kernels["resample"](
        blocks(out.columns, out.rows, _BLOCK), (*_BLOCK, 1),
        plane=plane.address, plane_rows=plane.rows, plane_columns=plane.columns,
        **warp(plane.grid, source, target, out.grid), border=border, out=out.address,
        rows=out.rows, columns=out.columns,
    )  # fmt: skip


def steady(
    scratch: Scratch, planes: Plane, alpha: Plane, previous_planes: Plane, previous_alpha: Plane, *,
    source: Rect, target: Rect, low: float, high: float, strength: float, agreed: float,
    disputed: float, history: bool, previous: int, moved: Plane, out: Plane, verdict: int,
) -> None:  # fmt: skip
    """``cpu.motion``, ``loosen`` and ``steady`` with the last planes, which lie over ``source``.

    ``planes`` and ``previous_planes`` hold three each: Y, Cb, Cr. ``out`` gets the steadied alpha;
    it must not be ``alpha``, of which a pixel's neighbours are read as well.

    ``moved`` gets where the last matte is not held: 1 everywhere where there is no past, which is
    when ``history`` is False or the VERDICT at ``previous`` showed nobody. The VERDICT at
    ``verdict`` gets the largest alpha.
    """
    scratch.context.kernels["steady"](
        blocks(alpha.columns, alpha.rows, _BLOCK), (*_BLOCK, 1),
        planes=planes.address, alpha=alpha.address, previous_planes=previous_planes.address,
        previous_alpha=previous_alpha.address, rows=alpha.rows, columns=alpha.columns,
        **warp(previous_alpha.grid, source, target, alpha.grid),
        previous_rows=previous_alpha.rows, previous_columns=previous_alpha.columns,
        low=low, high=high, strength=strength, agreed=agreed, disputed=disputed,
        history=int(history), previous=previous, moved=moved.address, out=out.address,
        verdict=verdict,
    )  # fmt: skip
