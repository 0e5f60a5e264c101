"""Another state of the program, measured in turns with this one.

A machine changes its speed from minute to minute, so two runs one after the other compare nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from appliance.errors import InputError, MatteboxError
from appliance.system import folders, jit_cache
from appliance.tools.bench.progress import BenchBar

TURNS = 5
_LONGEST_S = 900.0
_COPIES = 20
# Of a step, this figure alone: all frames' CPU time, whether it runs at each of them or not.
_OF_A_STEP = "cpu_ms_per_frame"
# Neither -m nor PYTHONPATH: with either, the current folder would come first. It ends when whoever
# measures does, however that ends (prctl(2): PR_SET_PDEATHSIG).
_START = """
import ctypes, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
sys.path[0] = sys.argv.pop(1)
from appliance.cli.main import main
sys.exit(main())
"""

Figures = dict[str, float]


def run(folder: Path, arguments: list[str], size: tuple[int, int], *, as_json: bool) -> int:
    """Measure the checkout in ``folder`` and this one, ``TURNS`` times in turns; print medians.

    Args:
        arguments: of ``mattebox`` for either, without ``--against``.
        size: of the picture whose copying is timed beside them.

    Raises:
        InputError: there is no checkout in ``folder``, or one that cannot run here.
    """
    own = folders.root()
    if not (folder / "appliance" / "cli" / "main.py").is_file():
        raise InputError(
            f"--against {folder}: no checkout of mattebox; expected a folder with appliance/ in it"
        )
    before, now, copies = list[Figures](), list[Figures](), list[float]()
    with BenchBar(TURNS) as bar:
        for turn in range(TURNS):
            bar.begin(f"turn {turn + 1}")
            sides = [(folder.resolve(), before), (own, now)]
            # Each goes first by turns: the second finds warm caches.
            for root, figures in sides if turn % 2 == 0 else reversed(sides):
                figures.append(_measure(root, arguments))
                copies.append(_copy_ms(size))
    result = compare(before, now)
    copy = round(median(copies), 4)
    if as_json:
        print(json.dumps({"copy_ms": copy, "turns": TURNS, "figures": result}, indent=2))
    else:
        _print(result, copy, size, folder)
    return 0


def compare(before: list[Figures], now: list[Figures]) -> dict[str, dict[str, float]]:
    """Medians of what both have measured, and now over before, by name."""
    result = {}
    for name in now[0]:
        if not all(name in figures for figures in (*before, *now)):
            continue
        old, new = (median(turn[name] for turn in turns) for turns in (before, now))
        row = {"before": round(old, 4), "now": round(new, 4)}
        if old:
            row["ratio"] = round(new / old, 3)
        result[name] = row
    return result


def flat(tree: Any, name: str = "") -> Figures:
    """The numbers in a benchmark's JSON, by their path; of a step only its CPU time a frame."""
    if isinstance(tree, dict):
        if isinstance(tree.get(_OF_A_STEP), (int, float)):
            return {name: float(tree[_OF_A_STEP])}
        found: Figures = {}
        for key, value in tree.items():
            found |= flat(value, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(tree, (int, float)) and not isinstance(tree, bool):
        return {name: float(tree)}
    return {}


def without_against(arguments: list[str]) -> list[str]:
    """The same command for one state alone."""
    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--against":
            skip = True
        elif argument != "--json" and not argument.startswith("--against="):
            kept.append(argument)
    return kept


def _measure(root: Path, arguments: list[str]) -> Figures:
    # The folder for compiled kernels that this process has found is for its own sources.
    environment = {name: os.environ[name] for name in os.environ if name != jit_cache.VARIABLE}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _START, str(root), *arguments, "--json"], env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LONGEST_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise MatteboxError(f"{root} has not measured that in {_LONGEST_S:g} s") from error
    if done.returncode:
        raise InputError(f"{root} cannot measure that: {done.stderr.strip()[-500:]}")
    try:
        return flat(json.loads(done.stdout))
    except ValueError as error:
        raise MatteboxError(f"{root} printed no JSON: {done.stdout[:200]!r}") from error


def _copy_ms(size: tuple[int, int]) -> float:
    picture = np.ones(size[0] * size[1] * 3 // 2, np.uint8)
    out, times = np.empty_like(picture), []
    for _ in range(_COPIES):
        start = time.thread_time_ns()
        np.copyto(out, picture)
        times.append((time.thread_time_ns() - start) / 1e6)
    return median(times)


def _print(
    result: dict[str, dict[str, float]], copy: float, size: tuple[int, int], folder: Path
) -> None:
    table = Table(
        title=f"this state against {folder}: medians of {TURNS} turns",
        caption=f"copying one {size[0]}x{size[1]} frame: {copy:.3f} ms",
    )
    for column in ("figure", "before", "now", "now / before"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, row in result.items():
        ratio = row.get("ratio")
        table.add_row(
            name, f"{row['before']:g}", f"{row['now']:g}", "" if ratio is None else f"{ratio:.3f}"
        )
    Console().print(table)
