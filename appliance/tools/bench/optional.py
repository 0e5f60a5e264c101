"""What each optional stage costs on top of the path: with and without it, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from appliance.config.settings import Settings, StagesSettings
from appliance.errors import InputError, ModelError
from appliance.media.caption import Caption
from appliance.media.frame import Frame, blank
from appliance.pipeline.cpu import Pipeline
from appliance.tools.bench.frame_path import make_pipeline
from appliance.tools.bench.progress import Tick, no_tick

_WARM_UP = 30
# What a source that speaks would say: two lines.
_CAPTION = Caption("Good evening, and welcome: we have a great deal to talk about tonight.", "en")
_ALL = "all but interpolate"

# What a stage needs to have anything to do; all others are measured as they are by default.
_TRIED: Mapping[str, Mapping[str, Any]] = {
    "mattes": {"room": "0,0 0.1,0 0.1,1 0,1", "keep": "0.8,0.7 1,0.7 1,1 0.8,1"},
}


def measure_optional(
    settings: Settings, frames: list[Frame], passes: int, tick: Tick = no_tick
) -> dict[str, Any]:
    """Milliseconds of CPU time that each stage adds to a frame: median, mean, quartiles.

    Each frame goes through the path without and with the stage, one after the other, so that both
    meet the same moods of the machine. The time is the process's: a stage's own network threads
    count. A stage that cannot be measured here says why.
    """
    names = list(StagesSettings.model_fields)
    found: dict[str, Any] = {}
    steps: dict[str, float] = {}
    for number, name in enumerate((*names, _ALL)):
        # Together: those that could be measured, without the frames in between.
        could = tuple(n for n in names if "median" in found.get(n, {}) and n != "interpolate")
        with_it = with_stages(settings, could if name == _ALL else (name,))
        try:
            found[name], clock = _added(settings, with_it, frames, passes)
        except (InputError, ModelError) as error:
            found[name] = {"not measured": str(error)}
        else:
            steps |= clock
        tick(number + 1, len(names) + 1)
    return {"cpu_ms_a_frame": found, "steps": steps}


def with_stages(settings: Settings, names: tuple[str, ...]) -> Settings:
    """The settings with these stages on, each with something to do.

    Raises InputError where these settings do not go together.
    """
    changes = {name: {"enabled": True, **_TRIED.get(name, {})} for name in names}
    stages = {
        name: {**getattr(settings.stages, name).model_dump(), **changes.get(name, {})}
        for name in StagesSettings.model_fields
    }
    try:
        return settings.model_copy(update={"stages": StagesSettings.model_validate(stages)})
    except ValueError as error:
        raise InputError(f"the stages {', '.join(names)} cannot be tried: {error}") from error


def _added(
    without: Settings, with_it: Settings, frames: list[Frame], passes: int
) -> tuple[dict[str, float], dict[str, float]]:
    frames = [replace(frame, caption=_CAPTION) for frame in frames]
    plain, more = make_pipeline(without, frames), make_pipeline(with_it, frames)
    first = frames[0]
    out, also = (blank(first.width, first.height, first.colour) for _ in range(2))
    for frame in frames[:_WARM_UP]:
        for pipeline in (plain, more):
            _spent(pipeline, frame, out, also)
    more.clock.reset()
    added = []
    for index in range(passes):
        frame = frames[index % len(frames)]
        # Who comes first finds the frame in no cache: each of the two in every second pair.
        both = (plain, more) if index % 2 == 0 else (more, plain)
        spent = {pipeline: _spent(pipeline, frame, out, also) for pipeline in both}
        added.append((spent[more] - spent[plain]) / 1e6)
    if more.resting:
        raise InputError(f"it failed: {'; '.join(more.resting.values())}")
    quarter = statistics.quantiles(added, n=4)
    figures = {
        "median": round(statistics.median(added), 3),
        "mean": round(statistics.fmean(added), 3),
        "lower quartile": round(quarter[0], 3),
        "upper quartile": round(quarter[2], 3),
    }
    optional = set(more.clock.stages) - set(plain.clock.stages)
    steps = {name: sum(more.clock.stages[name].cpu_ns) / 1e6 / passes for name in optional}
    return figures, steps


def _spent(pipeline: Pipeline, frame: Frame, out: Frame, also: Frame) -> int:
    before = time.process_time_ns()
    pipeline.process(frame, out, None, also if pipeline.interpolates else None)
    return time.process_time_ns() - before
