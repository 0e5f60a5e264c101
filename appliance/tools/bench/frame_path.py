"""The frame path by itself: frames from memory, composites into memory, no decoder, no encoder."""

from __future__ import annotations

import time
from typing import Any

from appliance.background.make import make_background
from appliance.config.settings import Settings
from appliance.media.frame import Format, Frame, blank
from appliance.networks.choose import load_matting
from appliance.pipeline.cpu import Pipeline
from appliance.tools.bench.measure import figures, peak_mb, rss_mb
from appliance.tools.bench.progress import Tick, no_tick

_WARM_UP = 20
_BETWEEN_TICKS = 10
_NETWORK = "network"


def make_pipeline(settings: Settings, frames: list[Frame]) -> Pipeline:
    """A pipeline for these frames."""
    first = frames[0]
    format = Format(first.width, first.height, (30, 1), first.colour)
    background = make_background(settings.background, format)
    return Pipeline(settings, format, load_matting(settings.matting), background)


def measure_stages(
    settings: Settings, frames: list[Frame], passes: int, tick: Tick = no_tick
) -> dict[str, Any]:
    """Run ``passes`` frames through the pipeline and report each step.

    ``crop_to_composite_cpu_ms`` is the CPU time per frame, in the pipeline's thread, of all steps
    but the network; ``network_cpu_ms`` is that of the network (with more than one network thread,
    this thread's share). The rescan's passes of both are spread over all frames.
    """
    pipeline = make_pipeline(settings, frames)
    out = blank(frames[0].width, frames[0].height, frames[0].colour)
    for frame in frames[:_WARM_UP]:
        pipeline.process(frame, out)
    pipeline.clock.reset()
    pipeline.clock.keep = passes * 2
    cpu_ns = elapsed_ns = 0
    for start in range(0, passes, _BETWEEN_TICKS):
        before, wall = time.thread_time_ns(), time.perf_counter_ns()
        for index in range(start, min(start + _BETWEEN_TICKS, passes)):
            pipeline.process(frames[index % len(frames)], out)
        cpu_ns += time.thread_time_ns() - before
        elapsed_ns += time.perf_counter_ns() - wall
        tick(min(start + _BETWEEN_TICKS, passes), passes)
    cpu, elapsed = cpu_ns / 1e6 / passes, elapsed_ns / 1e9
    stages = figures(pipeline.clock, passes)
    network = stages[_NETWORK].cpu_ms_per_frame
    return {
        "stages": {name: stage.json() for name, stage in stages.items()},
        "crop_to_composite_cpu_ms": round(cpu - network, 3),
        "network_cpu_ms": round(network, 3),
        "total_cpu_ms": round(cpu, 3),
        "fps_on_one_core": round(passes / elapsed, 1),
        "peak_memory_mb": round(peak_mb(), 1),
    }


def measure_scaling(
    settings: Settings,
    clip_frames: list[tuple[tuple[int, int], list[Frame]]],
    passes: int,
    tick: Tick = no_tick,
) -> list[dict[str, Any]]:
    """The same at several sizes: the cost per megapixel of output."""
    rows = []
    for number, ((width, height), frames) in enumerate(clip_frames):

        def of_all(done: float, total: float | None, number: int = number) -> None:
            tick(number + done / (total or 1), len(clip_frames))

        result = measure_stages(settings, frames, passes, of_all)
        megapixels = width * height / 1e6
        cost = result["crop_to_composite_cpu_ms"]
        rows.append(
            {
                "size": f"{width}x{height}",
                "megapixels": round(megapixels, 2),
                "crop_to_composite_cpu_ms": cost,
                "cpu_ms_per_megapixel": round(cost / megapixels, 3),
                "network_cpu_ms": result["network_cpu_ms"],
            }
        )
    return rows


def measure_memory(
    settings: Settings, frames: list[Frame], passes: int = 10_000, tick: Tick = no_tick
) -> dict[str, Any]:
    """Resident memory while ``passes`` frames go through, at eleven points."""
    pipeline = make_pipeline(settings, frames)
    out = blank(frames[0].width, frames[0].height, frames[0].colour)
    for frame in frames[:_WARM_UP]:
        pipeline.process(frame, out)
    points = [round(rss_mb(), 1)]
    for index in range(passes):
        pipeline.process(frames[index % len(frames)], out)
        if (index + 1) % (passes // 10) == 0:
            points.append(round(rss_mb(), 1))
        if index % _BETWEEN_TICKS == 0:
            tick(index, passes)
    return {"frames": passes, "rss_mb": points, "growth_mb": round(points[-1] - points[0], 1)}
