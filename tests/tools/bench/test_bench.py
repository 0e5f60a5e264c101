"""The benchmarks run and report what they promise; how fast depends on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.config.settings import Settings
from appliance.tools.bench.clip import frames_in_memory
from appliance.tools.bench.end_to_end import measure_path
from appliance.tools.bench.frame_path import measure_memory, measure_scaling


@pytest.fixture(scope="module")
def settings(network: Path) -> Settings:
    """Settings for the bright network."""
    return Settings.model_validate({"matting": {"model": str(network)}})


def test_json_has_the_figures(settings: Settings, room: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "appliance.cli", "bench", "--json", "--only", "stages",
            "--frames", "8", "--size", "320x180", "--clip", str(room),
            "--model", settings.matting.model,
        ],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["crop_to_composite_cpu_ms"] > 0
    assert report["network_cpu_ms"] > 0
    stages = report["stages"]["stages"]
    assert {"crop", "network", "clean", "steady", "refine", "composite", "track"} <= set(stages)
    assert all(stage["passes"] >= 8 for name, stage in stages.items() if name != "rescan")


def test_an_unknown_benchmark_is_the_users_mistake() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "bench", "--only", "everything"],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there are: stages, optional, path" in done.stderr


def test_the_whole_path_with_its_client(settings: Settings, room: Path) -> None:
    result = measure_path(settings, room, 1.5)
    assert result["fps_wanted"] == 30
    assert 5 < result["fps_out"] < 40
    whole = result["latency_capture_to_output_ms"]["median"]
    assert 0 < whole < result["latency_capture_to_packet_ms"]["median"]
    parts = result["latency_parts_ms"]
    assert parts["pipeline"]["median"] < whole < 3 * sum(part["median"] for part in parts.values())
    cpu = result["cpu_ms_per_frame"]
    assert {"decoder", "source", "frame path", "network", "encoder", "outputs"} <= set(cpu)
    # To the clock ticks in which the whole is counted.
    assert sum(cpu.values()) == pytest.approx(result["process_cpu_ms_per_frame"], abs=0.5)


def test_scaling_and_memory_report_each_step(settings: Settings, room: Path) -> None:
    frames = frames_in_memory(room, (320, 180), 4)
    rows = measure_scaling(settings, [((320, 180), frames)], 10)
    assert rows[0]["size"] == "320x180"
    assert rows[0]["cpu_ms_per_megapixel"] > 0
    memory = measure_memory(settings, frames, 50)
    assert len(memory["rss_mb"]) == 11


def test_frames_are_scaled_to_the_asked_size(room: Path) -> None:
    frames = frames_in_memory(room, (640, 360), 3)
    assert {(f.width, f.height) for f in frames} == {(640, 360)}
    assert all(f.owner is None for f in frames)
