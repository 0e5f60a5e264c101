"""Figures of repeated passes."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from appliance.stages.timings import StageClock


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One step: times of a pass in milliseconds, and its CPU time spread over all frames."""

    median_ms: float
    p95_ms: float
    cpu_ms: float
    cpu_ms_per_frame: float
    passes: int

    def json(self) -> dict[str, Any]:
        """Rounded for people."""
        return {key: round(value, 4) for key, value in asdict(self).items()}


def figures(clock: StageClock, frames: int) -> dict[str, StageFigures]:
    """Figures by stage, in the order in which the stages were first met."""
    result = {}
    for name, stage in clock.stages.items():
        wall = np.array(stage.wall_ns) / 1e6
        cpu = np.array(stage.cpu_ns) / 1e6
        result[name] = StageFigures(
            float(np.median(wall)),
            float(np.percentile(wall, 95)),
            float(np.median(cpu)),
            float(cpu.sum()) / frames,
            stage.count,
        )
    return result


def quantiles_ms(nanoseconds: Sequence[int]) -> dict[str, float]:
    """Median, 95th percentile and maximum, in milliseconds."""
    if not nanoseconds:
        return {"median": float("nan"), "p95": float("nan"), "max": float("nan")}
    ms = np.array(nanoseconds) / 1e6
    return {
        "median": round(float(np.median(ms)), 2),
        "p95": round(float(np.percentile(ms, 95)), 2),
        "max": round(float(ms.max()), 2),
    }


def rss_mb() -> float:
    """Resident memory of this process now, MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmRSS: expected Linux")


def peak_mb() -> float:
    """Largest resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
