"""The cascade itself: what it declares must hold, for the sake of whoever adds a step."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from appliance.config.settings import Settings
from appliance.stages.cascade import CASCADE, Side, Step, steps

SIDES: tuple[Side, ...] = ("cpu", "gpu")
# Of the frame, set as a step's side effect, or derived from the matte.
_FROM_ELSEWHERE = {"frame", "matted", "unmatted", "held", "scan", "somebody"}


def test_names_are_unique() -> None:
    names = [step.name for step in CASCADE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("step", CASCADE, ids=lambda step: step.name)
@pytest.mark.parametrize("side", SIDES)
def test_who_does_it_is_there(step: Step, side: Side) -> None:
    where = step.runs_on(side)
    if where is None:
        return
    module, _, name = where.partition(":")
    kind, _, method = name.partition(".")
    part = getattr(importlib.import_module(f"appliance.stages.{module}"), kind)
    assert callable(getattr(part, method))
    assert callable(part.reset)


@pytest.mark.parametrize("side", SIDES)
def test_what_a_step_needs_an_earlier_one_gives(side: Side) -> None:
    given = set(_FROM_ELSEWHERE)
    for step in steps(side, Settings()):
        assert set(step.needs) <= given, step.name
        given |= set(step.gives)


@pytest.mark.parametrize("step", CASCADE, ids=lambda step: step.name)
def test_a_step_that_only_one_side_has_says_where_the_other_has_it(step: Step) -> None:
    assert step.cpu or step.gpu
    if step.gpu is None and step.within:
        (host,) = [other for other in CASCADE if other.name == step.within]
        assert host.gpu is not None


def test_a_span_of_launches_is_in_one_piece() -> None:
    """It is recorded into one CUDA graph: no other GPU step may lie in between."""
    spans = [step.span for step in CASCADE if step.gpu]
    pieces = [span for k, span in enumerate(spans) if k == 0 or spans[k - 1] != span]
    assert len(pieces) == len(set(pieces))


def test_a_step_that_is_off_is_not_there() -> None:
    on = Settings()
    off = Settings.model_validate({"steady": {"enabled": False}, "roi": {"enabled": False}})
    for side in SIDES:
        before, after = ([step.name for step in steps(side, s)] for s in (on, off))
        assert [name for name in before if name not in after] == ["steady", "rescan"]


@pytest.mark.parametrize("heavy", ["numpy", "gi", "numba", "cv2", "pycuda"])
def test_it_is_light(heavy: str) -> None:
    code = f"import sys, appliance.stages.cascade; sys.exit({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert done.returncode == 0
