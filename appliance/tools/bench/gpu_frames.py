"""Whole frames through the appliance's own pipeline on the GPU, from host memory to host memory."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from appliance.background.make import make_background
from appliance.config.settings import Settings
from appliance.cuda.context import Context
from appliance.media.frame import Format, Frame, blank
from appliance.networks.manifest import InputSpec, Manifest, OutputSpec
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.gpu import GpuPipeline
from appliance.tools.bench.gpu_kernels import Sizes, disc
from appliance.tools.bench.gpu_timer import Row, Timer
from appliance.tools.bench.measure import figures

# Of both graphs of a frame, four times each, before they are recorded.
_WARM_UP = 12


class Painted:
    """In place of a network: alpha that was painted once. Costs nothing, and finds a person."""

    description = "a painted matte in place of a network"
    phase = 0

    def __init__(self, manifest: Manifest, context: Context) -> None:
        self.manifest, self.recordable = manifest, True
        rows, columns = manifest.input.height, manifest.input.width
        self.input = context.alloc(12 * rows * columns)
        self.output = context.upload(disc(rows, columns))
        self.output_shape: tuple[int, ...] = (1, 1, rows, columns)

    def launch(self) -> None:
        """Nothing: the alpha is there."""

    def launch_aside(self) -> None:
        """Likewise."""

    def advance(self) -> None:
        """Nothing is remembered."""

    def reset(self) -> None:
        """Likewise."""

    def close(self) -> None:
        """Nothing to let go of but memory, which goes by itself."""


def painted(make_context: Any = Context, size: tuple[int, int] = Sizes().grid) -> OnGpu:
    """``Painted`` for the pipeline; ``size`` is the (width, height) of its grid."""
    manifest = Manifest(
        name="painted",
        input=InputSpec(name="image", width=size[0], height=size[1]),
        output=OutputSpec(name="alpha"),
    )
    return OnGpu(
        manifest, Painted.description, lambda context: Painted(manifest, context), make_context
    )


def measure_frames(
    settings: Settings, network: OnGpu, frames: list[Frame], passes: int
) -> dict[str, Any]:
    """``passes`` frames one after the other, each waited for; milliseconds by the host's clock.

    Twice, if graphs can be had: kernels launched one by one, and replayed. Raises ModelError,
    MissingDependency, GpuError.
    """
    first = frames[0]
    format = Format(first.width, first.height, (30, 1), first.colour)
    background = make_background(settings.background, format)
    pipeline = GpuPipeline(settings, format, network, background)
    try:
        size = f"{first.width}x{first.height}"
        found: dict[str, Any] = {"runs": pipeline.description, "size": size}
        pipeline.without_graphs(True)
        found["launched"] = _timed(pipeline, frames, passes)
        pipeline.without_graphs(False)
        replayed = _timed(pipeline, frames, passes)
        refused = pipeline.without_graphs(False)
        return found | ({"no_graphs": refused} if refused else {"replayed": replayed})
    finally:
        pipeline.close()
        background.close()


def _timed(pipeline: GpuPipeline, frames: list[Frame], passes: int) -> dict[str, Any]:
    out = blank(frames[0].width, frames[0].height, frames[0].colour)
    for i in range(_WARM_UP):
        pipeline.process(frames[i % len(frames)], out)
    pipeline.clock.reset()
    pipeline.clock.keep = passes * 2
    taken = []
    for i in range(passes):
        start = time.perf_counter_ns()
        pipeline.process(frames[i % len(frames)], out)
        taken.append(time.perf_counter_ns() - start)
    ms = np.array(taken) / 1e6
    return {
        "median_ms": round(float(np.median(ms)), 3),
        "p95_ms": round(float(np.percentile(ms, 95)), 3),
        "stages": {name: s.json() for name, s in figures(pipeline.clock, passes).items()},
    }


def measure_network(timer: Timer, network: OnGpu) -> Row:
    """The network alone, on the device's own clock. Raises ModelError, GpuError."""
    runner = network.load(timer.context)
    try:
        return timer.measure(
            f"network {runner.manifest.name}", 0, lambda _: runner.launch(), count=1
        )
    finally:
        runner.close()
