"""The seam that optional stages plug into: a line in the cascade, and a part that does it."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import Format, blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.cpu import Pipeline
from appliance.stages import binding
from appliance.stages.base import Common, Work
from appliance.stages.cascade import CASCADE, Step
from appliance.tools import cascade
from tests.scenes import FULL, Stage, disc


class Darken:
    """A stage of nobody's: what is behind the person goes dark."""

    made = 0

    def __init__(self, common: Common) -> None:
        type(self).made += 1
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def darken(self, work: Work) -> None:
        assert work.behind is not None
        work.behind = blank(work.behind.width, work.behind.height, work.behind.colour)


# Switched by a setting that exists; a stage of one's own brings its section.
STEP = Step(
    "darken", "what is behind goes dark", needs=("behind",), cpu="darken.cpu:Darken.darken",
    on=lambda settings: settings.refine.decontaminate,
)  # fmt: skip


@pytest.fixture
def _plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("appliance.stages.darken.cpu")
    module.Darken = Darken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "appliance.stages.darken", types.ModuleType("darken"))
    monkeypatch.setitem(sys.modules, "appliance.stages.darken.cpu", module)
    monkeypatch.setattr(Darken, "made", 0)
    at = [step.name for step in CASCADE].index("composite")
    changed = (*CASCADE[:at], STEP, *CASCADE[at:])
    monkeypatch.setattr(binding, "CASCADE", changed)
    monkeypatch.setattr(cascade, "CASCADE", changed)


def settings(on: bool) -> Settings:
    return Settings.model_validate(
        {"refine": {"decontaminate": on}, "matting": {"runtime": "onnxruntime"}}
    )


def corner(pipeline: Pipeline) -> int:
    """A sample of the background in the next composite."""
    out = blank(320, 180, FULL)
    pipeline.process(disc(), out)
    return int(out.y[5, 5])


@pytest.mark.usefixtures("_plugged_in")
def test_a_stage_of_ones_own_is_run_timed_and_printed(network: Path) -> None:
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    stage = Stage(320, 180)
    pipeline = Pipeline(settings(False), Format(320, 180, (30, 1), FULL), matting, stage)
    before = corner(pipeline)
    assert before > 0
    assert Darken.made == 0, "what is off is not even made"
    assert "darken" not in pipeline.clock.stages
    pipeline.configure(settings(True))
    assert corner(pipeline) == 0
    assert pipeline.clock.stages["darken"].count == 1
    pipeline.configure(settings(False))
    assert corner(pipeline) == before
    assert pipeline.clock.stages["darken"].count == 1
    (row,) = [text for text in cascade.lines(settings(True)) if text.startswith("darken")]
    assert row.split()[1:3] == ["on", "CPU"]


@pytest.mark.usefixtures("_plugged_in")
def test_a_stage_that_comes_back_starts_over(network: Path) -> None:
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    pipeline = Pipeline(
        settings(True), Format(320, 180, (30, 1), FULL), matting, Stage(320, 180)
    )  # fmt: skip
    part = pipeline._cascade.part(Darken)
    resets = part.resets
    pipeline.configure(settings(True))
    assert part.resets == resets
    pipeline.configure(settings(False))
    pipeline.configure(settings(True))
    assert part.resets == resets + 1
    pipeline.reset()
    assert part.resets == resets + 2


def test_a_step_waits_for_what_it_needs_and_does_nothing_twice() -> None:
    work = Work(disc(), blank(320, 180, FULL))
    step = Step("refine", "", needs=("alpha", "planes"), gives=("matte", "moved"))
    bound = binding.BoundStep(step, Darken, lambda work: None)  # type: ignore[arg-type]
    assert not bound.ready(work)
    work.alpha = np.zeros((2, 2), np.float32)
    assert not bound.ready(work)
    work.planes = np.zeros((3, 2, 2), np.float32)
    assert bound.ready(work)
    work.moved = work.alpha
    assert bound.ready(work), "half of what it gives is missing"
    work.matte = object()  # type: ignore[assignment]
    assert not bound.ready(work)


class Moody:
    """An optional stage that fails when told to."""

    trouble: Exception | None = None

    def __init__(self, common: Common) -> None:
        self.forgotten = 0

    def reset(self) -> None:
        self.forgotten += 1

    def brighten(self, work: Work) -> None:
        if self.trouble is not None:
            raise self.trouble
        assert work.behind is not None
        work.behind.y[:] = 200


def test_an_optional_stage_that_fails_is_left_out_for_a_while(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("appliance.stages.moody.cpu")
    module.Moody = Moody  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "appliance.stages.moody", types.ModuleType("moody"))
    monkeypatch.setitem(sys.modules, "appliance.stages.moody.cpu", module)
    step = Step("moody", "bright", needs=("behind",), cpu="moody.cpu:Moody.brighten", optional=True)
    at = [one.name for one in CASCADE].index("composite")
    monkeypatch.setattr(binding, "CASCADE", (*CASCADE[:at], step, *CASCADE[at:]))
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    given = Settings.model_validate({"matting": {"runtime": "onnxruntime"}})
    pipeline = Pipeline(given, Format(320, 180, (30, 1), FULL), matting, Stage(320, 180))
    out = blank(320, 180, FULL)

    def shown(second: float) -> int:
        pipeline.process(replace(disc(), pts=int(second * 1e9)), out)
        return int(out.y[5, 5])

    plain = blank(320, 180, FULL)
    assert shown(0) == 200
    monkeypatch.setattr(Moody, "trouble", ZeroDivisionError("no light"))
    pipeline.use_background(Stage(320, 180))
    assert shown(1) != 200
    assert pipeline.resting == {"moody": "ZeroDivisionError: no light"}
    monkeypatch.setattr(Moody, "trouble", None)
    assert shown(5.9) != 200, "tried again too soon"
    assert shown(6.1) == 200
    assert pipeline.resting == {}
    assert plain.y[5, 5] != 200
