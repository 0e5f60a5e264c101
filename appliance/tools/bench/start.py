"""From ``mattebox run`` to the first composite, and what is resident then and a while later."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from appliance.config.load import to_yaml
from appliance.config.settings import OutputSettings, Settings
from appliance.errors import OutputError
from appliance.system import jit_cache
from appliance.tools.bench.progress import Tick, no_tick

_LONGEST_S = 300.0
_ROUNDS = 5
# The interpreter's own, then as the installed command does it.
_PASS = "pass"
_RUN = """
import sys
from appliance.tools.bench.started import Notes
Notes(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "memory").watch()
from appliance.cli.main import main
sys.exit(main(sys.argv[4:]))
"""


def measure_start(
    settings: Settings, rounds: int = _ROUNDS, tick: Tick = no_tick
) -> dict[str, Any]:
    """Start ``rounds`` times with all caches warm, in turns with ``python -c pass``; once cold.

    The source is the demo, paced; the output goes nowhere. Times are milliseconds from asking for
    the process; CPU time is that of all its threads. Cold: no kernel was ever compiled.
    """
    with tempfile.TemporaryDirectory(prefix="mattebox-bench-") as folder:
        config = config_for(settings, Path(folder))
        start_once(config, 1)  # fills the caches, if they are not
        warm, empty = [], []
        for index in range(rounds):
            empty.append(_empty())
            warm.append(start_once(config, 1))
            tick(index + 1, rounds + 2)
        kernels = Path(folder) / "kernels"
        kernels.mkdir()
        cold = start_once(config, 1, {jit_cache.VARIABLE: str(kernels)})
    last = [one["marks"][-1] for one in warm]
    return {
        "starts": rounds,
        "to_first_composite_ms": _median(one["wall_ms"] for one in last),
        "to_first_composite_cpu_ms": _median(one["cpu_ms"] for one in last),
        "python_pass_ms": _median(one[0] for one in empty),
        "python_pass_cpu_ms": _median(one[1] for one in empty),
        "cold_to_first_composite_ms": round(cold["marks"][-1]["wall_ms"], 1),
        "cold_to_first_composite_cpu_ms": round(cold["marks"][-1]["cpu_ms"], 1),
        "steps": _steps(warm),
        "at_the_same_time_ms": {
            name: _median(one["beside_ms"][name] for one in warm) for name in warm[0]["beside_ms"]
        },
    }


def measure_resident(settings: Settings, frames: int = 300, tick: Tick = no_tick) -> dict[str, Any]:
    """Resident memory of a run of ``frames`` frames of the demo at 720p, by stage and by holder.

    MiB. ``private``: dirty pages, which nobody else has; the rest are pages of files.
    """
    with tempfile.TemporaryDirectory(prefix="mattebox-bench-") as folder:
        config = config_for(settings, Path(folder))
        start_once(config, 1)
        tick(1, 3)
        said = start_once(config, frames, memory=True)
    stages, before = {}, {"rss_mb": 0.0, "private_mb": 0.0}
    for mark in said["marks"]:
        stages[mark["done"]] = {
            key: round(mark[key] - before[key], 1) for key in ("rss_mb", "private_mb")
        }
        before = mark
    holders = {
        name: {key: round(value, 1) for key, value in held.items()}
        for name, held in said["holders"].items()
    }
    return {
        "frames": frames,
        "rss_mb": round(before["rss_mb"], 1),
        "private_mb": round(before["private_mb"], 1),
        "modules": len(said["modules"]),
        "kernels": len(said["kernels"]),
        "stages": stages,
        "holders": holders,
    }


def config_for(settings: Settings, folder: Path) -> Path:
    """A file in ``folder`` with the settings, but for where pictures come from and go to."""
    source = type(settings.source)(uri="demo://", size=(1280, 720), fps=(30, 1))
    outputs = (OutputSettings(uri="null://"),)
    http = type(settings.http)(enabled=settings.http.enabled, port=0)
    path = folder / "config.yaml"
    changed = settings.model_copy(update={"source": source, "outputs": outputs, "http": http})
    path.write_text(to_yaml(changed), encoding="utf-8")
    return path


def start_once(
    config: Path, frames: int, env: Mapping[str, str] | None = None, *, memory: bool = False
) -> dict[str, Any]:
    """One run, up to ``frames`` composites: what it noted (see ``started``).

    Raises OutputError if it fails.
    """
    command = [
        sys.executable, "-c", _RUN, str(time.monotonic_ns()), str(frames),
        "memory" if memory else "time", "run", "--config", str(config),
    ]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, **(env or {})}, capture_output=True, text=True,
        timeout=_LONGEST_S + frames / 10, check=False,
    )  # fmt: skip
    begins = done.stdout.find('{"marks"')
    if done.returncode != 0 or begins < 0:
        raise OutputError(
            f"the run that was to be measured ended with {done.returncode}, without its figures; "
            f"it said: {done.stderr[-2000:].strip()}"
        )
    said: dict[str, Any] = json.loads(done.stdout[begins:])
    return said


def _empty() -> tuple[float, float]:
    """``python -c pass``: wall and CPU time, ms."""
    before = os.times()
    begun = time.monotonic_ns()
    subprocess.run([sys.executable, "-c", _PASS], timeout=_LONGEST_S, check=True)
    wall = (time.monotonic_ns() - begun) / 1e6
    after = os.times()
    used = after.children_user + after.children_system
    return wall, 1e3 * (used - before.children_user - before.children_system)


def _steps(starts: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """What each step took, the median of all starts: from the end of the one before it."""
    steps = {}
    for index, mark in enumerate(starts[0]["marks"]):
        row = {}
        for key in ("wall_ms", "cpu_ms"):
            row[key] = _median(
                one["marks"][index][key] - (one["marks"][index - 1][key] if index else 0.0)
                for one in starts
            )
        steps[mark["done"]] = row
    return steps


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 1)
