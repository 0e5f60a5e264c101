"""``mattebox bench --gpu``: kernels, frame path and network, against their targets."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from appliance import __version__
from appliance.config.settings import Settings
from appliance.cuda.compile import KernelBuildError
from appliance.cuda.context import Context
from appliance.errors import InputError, MissingDependency, ModelError
from appliance.media.frame import Frame, blank
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest
from appliance.networks.on_gpu import OnGpu, shapes_on_gpu
from appliance.tools.bench import kept
from appliance.tools.bench.gpu_frames import measure_frames, measure_network, painted
from appliance.tools.bench.gpu_kernels import KernelBench, Sizes
from appliance.tools.bench.gpu_timer import Timer
from appliance.tools.bench.progress import BenchBar

_IN_MEMORY = 60
_NOTHING_TO_MEASURE = 2
_TARGETS = "the targets are for an H200"


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Measure and print a table or JSON; returns 0, or 2 where there is no GPU to measure.

    Raises GpuError when CUDA fails, InputError for a clip that cannot be read.
    """
    try:
        with BenchBar() as bar:
            results = measure(
                settings, options.clip, options.size or (1920, 1080), options.frames or 600,
                begin=bar.begin,
            )  # fmt: skip
    except MissingDependency as error:
        print(f"mattebox: bench --gpu cannot measure anything here: {error}", file=sys.stderr)
        return _NOTHING_TO_MEASURE
    _keep(results, settings)
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        show(results, Console(soft_wrap=True))
    return 0


def _keep(results: dict[str, Any], settings: Settings) -> None:
    """Keep the times of the spans with the real network, replayed as graphs if possible."""
    if "no_network" in results:
        return
    found = results["frames"][-1]
    spans = found.get("replayed", found["launched"])["stages"]
    ms = {name: span["median_ms"] for name, span in spans.items()}
    kept.keep("gpu", results["gpu"], found["size"], settings.matting.model, ms)


def measure(
    settings: Settings, clip: Path | None, size: tuple[int, int], passes: int, *,
    sizes: Sizes | None = None, make_context: Any = Context, timer: dict[str, int] | None = None,
    begin: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """All figures. ``sizes``, ``make_context`` and ``timer`` (its options) are for tests.

    ``begin`` is told each part as it begins.

    Raises MissingDependency without a GPU, GpuError, InputError.
    """
    with make_context() as context:
        frames, shown = _frames(clip, size)
        network, why_not = _network(settings)
        clock = Timer(context, **(timer or {}))
        results: dict[str, Any] = {
            "mattebox": __version__,
            "gpu": context.name,
            "compute_capability": context.architecture,
            "clip": shown,
            "copy_gb_s": round(clock.copy_gb_s, 1),
            "graphs": clock.graphs is None,
        }
        begin("kernels")
        KernelBench(clock, sizes).run()
        if network is not None:
            begin("network")
            measure_network(clock, network)
            if network.upright is not None:
                measure_network(clock, network.upright)
        results["rows"] = [row.json(clock.copy_gb_s) for row in clock.rows]
        results["graphs"] = clock.graphs is None
        missed = [row.name for row in clock.rows if row.held(clock.copy_gb_s) is False]
        results["missed"] = missed
        # Otherwise its memory would be held alongside the pipelines'.
        del clock
    results["frames"] = []
    grid = (sizes or Sizes()).grid
    for chosen in (painted(make_context, grid), network):
        if chosen is not None:
            begin(f"whole frames with {chosen.description}")
            results["frames"].append(measure_frames(settings, chosen, frames, passes))
    if why_not:
        results["no_network"] = why_not
    return results


def _frames(clip: Path | None, size: tuple[int, int]) -> tuple[list[Frame], str]:
    """Frames in memory, and what they show; without GStreamer, a swaying disc."""
    try:
        from appliance.tools.bench.clip import frames_in_memory, usual_clip
    except MissingDependency as error:
        if clip is not None:
            raise InputError(f"{clip}: cannot be read: {error}") from error
        return _drawn(size), "a disc (no GStreamer here)"
    clip = clip or usual_clip()
    return frames_in_memory(clip, size, _IN_MEMORY), str(clip or "demo://")


def _drawn(size: tuple[int, int]) -> list[Frame]:
    width, height = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    noise = np.random.default_rng(0).integers(0, 8, (height, width), np.uint8)
    frames = []
    for k in range(12):
        frame = blank(width, height)
        middle = width * (0.5 + 0.1 * np.sin(k * np.pi / 6))
        inside = np.hypot(x - middle, y - height / 2) < height / 3
        frame.y[:] = np.where(inside, 200, 60) + noise
        frames.append(frame)
    return frames


def _network(settings: Settings) -> tuple[OnGpu | None, str]:
    """The network's engine, or why there is none."""
    try:
        return shapes_on_gpu(find_manifest(settings.matting.model, model_folders())), ""
    except (MissingDependency, ModelError, KernelBuildError) as error:
        return None, str(error)


def show(results: dict[str, Any], console: Console) -> None:
    """Print the figures for people."""
    console.print(
        f"Mattebox {results['mattebox']} on {results['gpu']}, compute capability "
        f"{results['compute_capability']}; a copy within the device moves "
        f"{results['copy_gb_s']:.0f} GB/s, read and written"
    )
    if not results["graphs"]:
        console.print("no CUDA graphs here: the host's launches are part of every figure")
    table = Table(title=f"kernels ({_TARGETS})")
    for column in ("what", "µs", "MB to move", "GB/s", "of the copy", "target", ""):
        table.add_column(column, justify="left" if column in ("what", "") else "right")
    for row in results["rows"]:
        table.add_row(*_cells(row))
    console.print(table)
    frames = Table(title="whole frames, from host memory to host memory, one at a time, ms")
    for column in ("network", "size", "kernels", "median", "p95"):
        frames.add_column(column, justify="right" if column in ("median", "p95") else "left")
    for found in results["frames"]:
        for how in ("launched", "replayed"):
            if how in found:
                times = found[how]
                words = {"launched": "one by one", "replayed": "as graphs"}[how]
                frames.add_row(
                    found["runs"], found["size"], words, f"{times['median_ms']:.2f}",
                    f"{times['p95_ms']:.2f}",
                )  # fmt: skip
    console.print(frames)
    if "no_network" in results:
        console.print(f"no network was measured: {results['no_network']}")
    missed = results["missed"]
    held = sum("held" in row for row in results["rows"]) - len(missed)
    console.print(f"targets held: {held}; missed: {'; '.join(missed) or 'none'}")


def _cells(row: dict[str, Any]) -> list[str]:
    moved = f"{row['bytes'] / 1e6:.2f}" if "bytes" in row else ""
    speed = f"{row['gb_s']:.0f}" if "gb_s" in row else ""
    share = f"{100 * row['of_copy']:.1f} %" if "of_copy" in row else ""
    target = ""
    if "target_us" in row:
        target = f"at most {row['target_us']:g} µs"
    if "target_of_copy" in row:
        target = f"at least {100 * row['target_of_copy']:g} %"
    held = {True: "held", False: "MISSED", None: ""}[row.get("held")]
    return [row["name"], f"{row['us']:.2f}", moved, speed, share, target, held]
