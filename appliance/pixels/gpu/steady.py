"""Steady: motion-guided smoothing of the matte over time, at the network's grid."""

from __future__ import annotations

from appliance.cuda.context import blocks
from appliance.media.frame import Rect
from appliance.pixels.gpu.planes import Plane
from appliance.pixels.gpu.scratch import Scratch

_BLOCK = (32, 8)


def resample(
    scratch: Scratch, plane: Plane, source: Rect, target: Rect, border: float, out: Plane
) -> None:
    """``cpu.resample``; ``out`` must not be ``plane``."""
    scratch.context.kernels["resample"](
        blocks(out.columns, out.rows, _BLOCK), (*_BLOCK, 1),
        plane=plane.address, plane_rows=plane.rows, plane_columns=plane.columns,
        **_warp(plane, source, target, out), border=border, out=out.address, rows=out.rows,
        columns=out.columns,
    )  # fmt: skip


def steady(
    scratch: Scratch, planes: Plane, alpha: Plane, previous_planes: Plane, previous_alpha: Plane, *,
    source: Rect, target: Rect, low: float, high: float, strength: float, history: bool,
    previous: int, moved: Plane, verdict: int,
) -> None:  # fmt: skip
    """``cpu.motion`` and ``steady`` with the last planes, ``resample``d from ``source``; in place.

    ``planes`` and ``previous_planes`` hold three each: Y, Cb, Cr.

    ``moved`` gets where the picture moved: 1 everywhere where there is no past, which is when
    ``history`` is False or the VERDICT at ``previous`` showed nobody. The VERDICT at
    ``verdict`` gets the largest alpha.
    """
    scratch.context.kernels["steady"](
        blocks(alpha.columns, alpha.rows, _BLOCK), (*_BLOCK, 1),
        planes=planes.address, alpha=alpha.address, previous_planes=previous_planes.address,
        previous_alpha=previous_alpha.address, rows=alpha.rows, columns=alpha.columns,
        **_warp(previous_alpha, source, target, alpha),
        previous_rows=previous_alpha.rows, previous_columns=previous_alpha.columns,
        low=low, high=high, strength=strength, history=int(history), previous=previous,
        moved=moved.address, verdict=verdict,
    )  # fmt: skip


def _warp(plane: Plane, source: Rect, target: Rect, out: Plane) -> dict[str, float]:
    """How ``plane`` over ``source`` lies under a grid over ``target``: see ``cpu.resample``."""
    same = source == target and (plane.rows, plane.columns) == (out.rows, out.columns)
    scale_x = target.width / out.columns * plane.columns / source.width
    scale_y = target.height / out.rows * plane.rows / source.height
    shift_x = (target.x - source.x) * plane.columns / source.width
    shift_y = (target.y - source.y) * plane.rows / source.height
    return {
        "scale_x": scale_x, "shift_x": 0.5 * scale_x - 0.5 + shift_x,
        "scale_y": scale_y, "shift_y": 0.5 * scale_y - 0.5 + shift_y, "same": int(same),
    }  # fmt: skip
