"""The kernels of the optional stages, at the sizes at which the appliance runs them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from appliance.cuda.context import Context
from appliance.media.frame import F32, Rect
from appliance.media.surface import Surface
from appliance.pixels import gpu
from appliance.pixels.gpu import Matte, PersonLayer, Plane
from appliance.tools.bench.gpu_timer import Timer


class MeasuredSizes(Protocol):
    """What is needed of ``gpu_kernels.Sizes``."""

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height of a frame."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Columns and rows of the network's input."""
        ...

    @property
    def sets(self) -> int:
        """How many pictures are used in rotation."""
        ...


class Measures(Protocol):
    """What is needed of ``gpu_kernels.KernelBench``."""

    timer: Timer
    context: Context

    @property
    def sizes(self) -> MeasuredSizes:
        """What to measure at."""
        ...

    def surfaces(self, size: tuple[int, int], count: int, kind: str = "nv12") -> list[Surface]:
        """Pictures of noise."""
        ...

    def plane(self, array: F32) -> Plane:
        """An array in device memory."""
        ...


class KernelBenchOfStages:
    """Measures into the rows of the bench that it belongs to."""

    def __init__(self, bench: Measures) -> None:
        self._bench = bench

    def run(self) -> None:
        """Measure all of them. Raises GpuError."""
        self.layer()

    def layer(self) -> None:
        """The person apart from what is behind, and laid over it."""
        bench, (columns, rows) = self._bench, self._bench.sizes.grid
        (width, height), sets = bench.sizes.picture, bench.sizes.sets
        zero = bench.plane(np.zeros((rows, columns), np.float32))
        half = bench.plane(np.full((rows, columns), 0.5, np.float32))
        shift = bench.plane(np.full((3, rows, columns), 5.0, np.float32))
        rect = Rect(0, 0, width, height)
        matte = Matte(rect, zero, half, shift, 0.05)
        live, back, fronts, out = (bench.surfaces((width, height), sets) for _ in range(4))
        layers = [
            PersonLayer(front, bench.timer.alloc(width * height).address, width, rect)
            for front in fronts
        ]

        def launches(i: int) -> None:
            j = i % sets
            gpu.separate(bench.context, live[j], matte, layers[j])
            gpu.blend_layer(bench.context, layers[j], back[j], out[j])

        bench.timer.measure(
            f"layer {width}x{height}, half everywhere", round(9.5 * width * height), launches
        )
