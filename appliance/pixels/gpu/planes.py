"""What the GPU's operations take and return: planes, a network's input and output, the verdict.

Addresses in device memory, each with what is stored there; no memory is owned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.media.frame import Rect
from appliance.pixels.cpu.taking_part import MOST

# Layout of the structs in common.cuh, in 4-byte words.
FOUND = np.dtype(
    [
        ("left", "<i4"), ("top", "<i4"), ("right", "<i4"), ("bottom", "<i4"), ("area", "<i4"),
        ("touching", "<i4"),
    ]
)  # fmt: skip
VERDICT = np.dtype(
    [
        ("left", "<i4"), ("top", "<i4"), ("right", "<i4"), ("bottom", "<i4"), ("count", "<i4"),
        ("refused", "<i4"), ("not_finite", "<i4"), ("shows", "<i4"), ("undecided", "<i4"),
        ("outline", "<f4"), ("peak", "<f4"), ("listed", "<i4"),
        ("found", FOUND, (MOST,)),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plane:
    """Dense float32 planes (count, rows, columns) at an address; the caller knows ``count``."""

    address: int
    rows: int
    columns: int

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def plane(self, index: int) -> Plane:
        """The plane ``index`` planes further on."""
        return Plane(self.address + 4 * index * self.rows * self.columns, self.rows, self.columns)


@dataclass(frozen=True, slots=True)
class Raw:
    """A network's alpha: rows x columns at ``stride`` elements a row; ``half``: fp16, not fp32."""

    address: int
    stride: int
    rows: int
    columns: int
    half: bool = False


@dataclass(frozen=True, slots=True)
class Tensor:
    """A network's input: NCHW with N = 1 and three channels; ``half``: fp16, not fp32."""

    address: int
    rows: int
    columns: int
    half: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of kernel names for this type."""
        return "f16" if self.half else "f32"


def warp(
    grid: tuple[int, int], source: Rect, target: Rect, shape: tuple[int, int]
) -> dict[str, float]:
    """How a grid (rows, columns) over ``source`` lies under one of ``shape`` over ``target``.

    The kernels' arguments ``scale_x``, ``shift_x``, ``scale_y``, ``shift_y`` and ``same``: see
    ``cpu.resample``.
    """
    scale_x = target.width / shape[1] * grid[1] / source.width
    scale_y = target.height / shape[0] * grid[0] / source.height
    shift_x = (target.x - source.x) * grid[1] / source.width
    shift_y = (target.y - source.y) * grid[0] / source.height
    return {
        "scale_x": scale_x, "shift_x": 0.5 * scale_x - 0.5 + shift_x,
        "scale_y": scale_y, "shift_y": 0.5 * scale_y - 0.5 + shift_y,
        "same": int(source == target and grid == shape),
    }  # fmt: skip
