"""The benchmarks by name, and how their results are printed."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance import __version__
from appliance.config.settings import Settings
from appliance.errors import InputError
from appliance.media.frame import Format
from appliance.tools.bench import kept
from appliance.tools.bench.clip import frames_in_memory, made_clip, usual_clip
from appliance.tools.bench.end_to_end import measure_path
from appliance.tools.bench.frame_path import measure_memory, measure_scaling, measure_stages
from appliance.tools.bench.optional import measure_optional
from appliance.tools.bench.progress import BenchBar, Tick
from appliance.tools.bench.start import measure_resident, measure_start

NAMES = ("stages", "optional", "path", "path720", "scaling", "memory", "start", "resident")
_SIZES = ((960, 540), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
_IN_MEMORY = 60


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Measure what ``options.only`` names (None: all), GPU or sessions; print a table or JSON."""
    if options.gpu:
        if options.only is not None:
            raise InputError("--gpu and --only: one of them; --gpu measures all there is of it")
        if options.static:
            from appliance.tools.bench import gpu_static

            return gpu_static.run(options)
        from appliance.tools.bench import gpu

        return gpu.run(settings, options)
    if options.static:
        raise InputError("--static says how to look at the GPU's kernels: --gpu --static")
    if options.sessions:
        if options.only is not None:
            raise InputError("--sessions and --only: one of them; --sessions measures those alone")
        from appliance.tools.bench import sessions

        return sessions.run(settings, options)
    if options.talk:
        from appliance.tools.bench import talking

        return talking.run(settings, options)
    if options.avatar is not None:
        raise InputError(
            "--avatar says with which avatar to measure: --sessions N --avatar NAME, or --talk"
        )
    if options.only is not None and options.only not in NAMES:
        raise InputError(f"no benchmark named {options.only!r}; there are: {', '.join(NAMES)}")
    if options.against is not None:
        from appliance.tools.bench import against

        return against.run(
            options.against, against.without_against(sys.argv[1:]), options.size or (1920, 1080),
            as_json=options.json,
        )  # fmt: skip
    names = NAMES if options.only is None else (options.only,)
    clip = options.clip or usual_clip()
    size = options.size or (1920, 1080)
    passes = options.frames or 600
    results: dict[str, Any] = {
        "mattebox": __version__,
        "machine": _machine(),
        "clip": str(clip) if clip else "demo://",
        "model": settings.matting.model,
        "background": settings.background.uri,
    }
    with BenchBar(len(names)) as bar:
        for name in names:
            bar.begin(name)
            results[name] = _measure(name, settings, clip, size, passes, bar.tick)
    if "stages" in results:
        costs = {name: row["cpu_ms_per_frame"] for name, row in results["stages"]["stages"].items()}
        costs |= results.get("optional", {}).get("steps", {})
        kept.keep("cpu", results["machine"], f"{size[0]}x{size[1]}", results["model"], costs)
        for key in ("crop_to_composite_cpu_ms", "network_cpu_ms"):
            results[key] = results["stages"][key]
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        _print(results, f"{size[0]}x{size[1]}")
    return 0


def _measure(
    name: str, settings: Settings, clip: Path | None, size: tuple[int, int], passes: int, tick: Tick
) -> Any:
    if name == "stages":
        return measure_stages(settings, frames_in_memory(clip, size, _IN_MEMORY), passes, tick)
    if name == "optional":
        return measure_optional(
            settings, frames_in_memory(clip, size, _IN_MEMORY), max(60, passes // 4), tick
        )
    if name in ("path", "path720"):
        format = Format(*(size if name == "path" else (1280, 720)), (60, 1))
        made = made_clip(clip, format, tick=tick)
        return measure_path(settings, made, max(5.0, passes / 60), tick)
    if name == "scaling":
        work = [(s, frames_in_memory(clip, s, 30)) for s in _SIZES]
        return measure_scaling(settings, work, max(60, passes // 4), tick)
    if name == "start":
        return measure_start(settings, tick=tick)
    if name == "resident":
        return measure_resident(settings, tick=tick)
    return measure_memory(settings, frames_in_memory(clip, size, _IN_MEMORY), tick=tick)


def _machine() -> str:
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    import os

    return f"{model}, {len(os.sched_getaffinity(0))} core(s)"


def _print(results: dict[str, Any], size: str) -> None:
    console = Console()
    console.print(f"Mattebox {results['mattebox']} on {results['machine']}; clip {results['clip']}")
    if "stages" in results:
        _print_stages(console, results["stages"], size)
    if "optional" in results:
        _print_optional(console, results["optional"]["cpu_ms_a_frame"], size)
    for name in ("path", "path720"):
        if name in results:
            _print_path(console, results[name])
    if "scaling" in results:
        table = Table(title="cost by size (CPU time a frame)")
        for column in results["scaling"][0]:
            table.add_column(column.replace("_", " "), justify="right")
        for row in results["scaling"]:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)
    if "memory" in results:
        _print_pairs(console, "memory", results["memory"])
    if "start" in results:
        _print_rows(console, "a start, warm; milliseconds", results["start"], ("steps",))
    if "resident" in results:
        _print_rows(
            console, "resident memory of a 720p run, MiB", results["resident"],
            ("stages", "holders"),
        )  # fmt: skip


def _print_stages(console: Console, result: dict[str, Any], size: str) -> None:
    table = Table(title=f"steps of one {size} frame, milliseconds")
    for column in ("step", "median", "p95", "CPU", "CPU over all frames", "passes"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for name, stage in result["stages"].items():
        table.add_row(
            name, f"{stage['median_ms']:.3f}", f"{stage['p95_ms']:.3f}", f"{stage['cpu_ms']:.3f}",
            f"{stage['cpu_ms_per_frame']:.3f}", str(stage["passes"]),
        )  # fmt: skip
    console.print(table)
    _print_pairs(console, "a frame", {k: v for k, v in result.items() if k != "stages"})


def _print_optional(console: Console, result: dict[str, Any], size: str) -> None:
    table = Table(title=f"CPU time that an optional stage adds to a {size} frame, milliseconds")
    columns = ("median", "mean", "lower quartile", "upper quartile")
    for column in ("stage", *columns):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for name, row in result.items():
        if "not measured" in row:
            table.add_row(name, row["not measured"])
        else:
            table.add_row(name, *(f"{row[column]:.3f}" for column in columns))
    console.print(table)


def _print_rows(
    console: Console, title: str, result: dict[str, Any], tables: tuple[str, ...]
) -> None:
    """A table for each of ``tables``, which hold a row of figures by name; and the other values."""
    for name in tables:
        rows: dict[str, dict[str, float]] = result[name]
        table = Table(title=f"{title}: {name}")
        columns = list(next(iter(rows.values())))
        for column in ("", *columns):
            table.add_column(column.replace("_", " "), justify="right" if column else "left")
        for what, row in rows.items():
            table.add_row(what, *(f"{row[column]:.1f}" for column in columns))
        console.print(table)
    _print_pairs(console, title, {k: v for k, v in result.items() if k not in tables})


def _print_path(console: Console, result: dict[str, Any]) -> None:
    pairs = {key: value for key, value in result.items() if "per_frame" not in key}
    latency = pairs.pop("latency_parts_ms")
    pairs |= {f"of_it_{part}": figures for part, figures in latency.items()}
    pairs["process_cpu_ms_per_frame"] = result["process_cpu_ms_per_frame"]
    _print_pairs(console, f"whole path, {result['format']}", pairs)
    _print_pairs(console, "CPU time a frame, milliseconds", result["cpu_ms_per_frame"])
    table = Table(title="by thread")
    for column in ("thread", "CPU time a frame, ms", "wake-ups a frame"):
        table.add_column(column, justify="left" if column == "thread" else "right")
    for name, cpu in result["threads_cpu_ms_per_frame"].items():
        wake_ups = result["threads_wake_ups_per_frame"].get(name, 0.0)
        table.add_row(name, f"{cpu:.3f}", f"{wake_ups:.2f}")
    console.print(table)


def _print_pairs(console: Console, title: str, pairs: dict[str, Any]) -> None:
    table = Table(title=title, show_header=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key, value in pairs.items():
        table.add_row(key.replace("_", " "), str(value))
    console.print(table)
