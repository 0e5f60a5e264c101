"""The bar of ``mattebox bench``: only on a terminal, and it moves while the work goes on."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from appliance.config.settings import Settings
from appliance.tools.bench import progress
from appliance.tools.bench.clip import frames_in_memory
from appliance.tools.bench.frame_path import measure_memory, measure_scaling, measure_stages
from appliance.tools.bench.progress import BenchBar


def test_on_a_terminal_the_bar_moves_and_goes(monkeypatch) -> None:
    monkeypatch.setattr(progress, "_REFRESH_S", 0.0)
    stream = io.StringIO()
    with BenchBar(2, Console(file=stream, force_terminal=True, width=80)) as bar:
        bar.begin("stages")
        bar.tick(1, 4)
        first = stream.getvalue()
        bar.tick(3, 4)
        second = stream.getvalue()[len(first) :]
        bar.begin("memory")
    shown = stream.getvalue()
    assert "stages (1 of 2)" in first
    assert "memory (2 of 2)" in shown
    assert second.count("━") > 0
    assert first != second
    assert "measuring" not in shown


def test_elsewhere_there_is_one_line_for_each_part() -> None:
    stream = io.StringIO()
    with BenchBar(2, Console(file=stream)) as bar:
        bar.begin("stages")
        bar.tick(1, 4)
        bar.begin("memory")
    assert stream.getvalue() == "measuring: stages …\nmeasuring: memory …\n"


def test_the_measurements_tell_how_far_they_are(network: Path, room: Path) -> None:
    settings = Settings.model_validate({"matting": {"model": str(network)}})
    frames = frames_in_memory(room, (320, 180), 4)
    told: list[tuple[float, float | None]] = []

    def tick(done: float, total: float | None) -> None:
        told.append((done, total))

    measure_stages(settings, frames, 25, tick)
    assert told == [(10, 25), (20, 25), (25, 25)]
    told.clear()
    measure_memory(settings, frames, 30, tick)
    assert told == [(0, 30), (10, 30), (20, 30)]
    told.clear()
    measure_scaling(settings, [((320, 180), frames), ((320, 180), frames)], 10, tick)
    assert told == [(1, 2), (2, 2)]
