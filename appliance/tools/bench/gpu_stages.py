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
        self.light()
        self.between()

    def between(self) -> None:
        """The person between two frames, over the background of that time."""
        bench = self._bench
        (width, height), sets = bench.sizes.picture, bench.sizes.sets
        one, two, back, out = (bench.surfaces((width, height), sets) for _ in range(4))
        alpha = bench.plane(np.ones((height, width), np.float32)).address
        flow = gpu.DeviceFlow(bench.context, 270, 480)
        flow.put(np.full((270, 480, 2), 1.3, np.float32))
        whole = Rect(0, 0, width, height)

        def launches(i: int) -> None:
            j = i % sets
            first, second = (PersonLayer(front[j], alpha, width, whole) for front in (one, two))
            what = gpu.Between(first, second, flow, 0.5)
            gpu.blend_between(bench.context, what, back[j], out[j])

        bench.timer.measure(
            f"between {width}x{height}, the person everywhere", round(8 * width * height), launches
        )

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

    def light(self) -> None:
        """The person in the light of what is behind, and a shadow on it."""
        bench, size, sets = self._bench, self._bench.sizes.picture, self._bench.sizes.sets
        context, timer, (width, height) = bench.context, bench.timer, size
        grid = gpu.light_grid(width, height)
        cells, pixels = grid[0] * grid[1], width * height
        back, fronts, out = (bench.surfaces(size, sets) for _ in range(3))
        rect = Rect(0, 0, width, height)
        layers = [PersonLayer(f, timer.alloc(pixels).address, width, rect) for f in fronts]
        matrix = context.upload(np.eye(3, 4, dtype=np.float32))
        luma, luma_soft, alpha, alpha_soft, shade = (timer.alloc(cells).address for _ in range(5))
        chroma, chroma_soft = (timer.alloc(2 * cells).address for _ in range(2))
        whole = timer.alloc(pixels).address
        behind, edge = gpu.Soft(context, grid, 8.4), gpu.Soft(context, grid, 2.9)
        shadow = gpu.ContactShadow(context, grid)
        wrap = gpu.Wrap(alpha_soft, 0.2, luma_soft, chroma_soft)

        def light(i: int) -> None:
            j = i % sets
            layer = layers[j]
            gpu.small_picture(context, back[j], luma, chroma)
            gpu.shrink(context, layer.alpha, layer.pitch, size, 1, alpha, grid)
            edge(alpha, 1, alpha_soft)
            behind(luma, 1, luma_soft)
            behind(chroma, 2, chroma_soft)
            gpu.relight(context, layer, matrix.address, wrap)

        def dark(i: int) -> None:
            j = i % sets
            shadow(alpha, 0.5, shade)
            gpu.enlarge(context, shade, grid, 1, whole, size)
            gpu.darken(context, back[j], whole, width, out[j])

        timer.measure(f"light {width}x{height}", round(6.5 * pixels + 30 * cells), light)
        timer.measure(f"shadow {width}x{height}", round(5 * pixels + 18 * cells), dark)
