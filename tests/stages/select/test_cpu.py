"""Things shown beside the person, or instead of them: what is let through, and when is looked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.media.frame import Format
from appliance.pipeline.cpu import Pipeline
from appliance.shedding.level import Level
from appliance.stages.guard import REST_NS
from tests.scenes import FULL, flat
from tests.stages.select.conftest import CHAIR, Calls, loaded, scene, show, wanted

LEFT, TOP, RIGHT, BOTTOM = CHAIR
Make = Callable[..., Pipeline]


def of_chair(matte: np.ndarray, shift: int = 0) -> float:
    """How much of the chair is shown, 0..1; of its middle, away from its edges."""
    return float(matte[TOP + 12 : BOTTOM - 12, LEFT + 12 + shift : RIGHT - 12 + shift].mean()) / 255


def of_person(matte: np.ndarray) -> float:
    return float(matte[80:120, 180:220].mean()) / 255


def of_room(matte: np.ndarray) -> float:
    """Where neither of them is."""
    return float(matte[:40].mean()) / 255


def after(pipeline: Pipeline, frames: int = 8, **how: object) -> np.ndarray:
    """The matte after so many frames of one scene."""
    for serial in range(frames):
        _, matte = show(pipeline, scene(serial, **how))  # type: ignore[arg-type]
    return matte


@pytest.mark.parametrize(
    ("keep", "person", "chair"),
    [
        ("person, chair", 1, 1), ("person", 1, 0), ("chair", 0, 1), ("cat", 0, 0),
        ("cat, person", 1, 0),
    ],
)  # fmt: skip
def test_what_is_kept_is_shown_and_nothing_else(
    on_cpu: Make, keep: str, person: int, chair: int
) -> None:
    matte = after(on_cpu(keep))
    assert of_person(matte) == pytest.approx(person, abs=0.02)
    assert of_chair(matte) == pytest.approx(chair, abs=0.04)
    assert of_room(matte) < 0.01


def test_off_changes_nothing(on_cpu: Make, bright: Path) -> None:
    pipeline = on_cpu("chair")
    settings = pipeline.settings.model_copy(update={"stages": type(pipeline.settings.stages)()})
    pipeline.configure(settings)
    matte = after(pipeline)
    assert of_person(matte) > 0.98
    assert of_chair(matte) == 0


def test_things_are_shown_when_nobody_is_there(on_cpu: Make) -> None:
    assert of_chair(after(on_cpu(), person=None)) > 0.96


def test_the_roi_covers_the_things(on_cpu: Make) -> None:
    """The person alone would have an ROI far from the chair."""
    near = {"roi": {"margin": 0.1, "min_size": 0.1, "split": False}}
    alone, both = on_cpu("person", **near), on_cpu(**near)
    after(alone, 12, person=270)
    matte = after(both, 12, person=270)
    assert alone._common.tracker.roi.x > RIGHT
    assert both._common.tracker.roi.x <= LEFT
    assert of_chair(matte) > 0.96


@pytest.mark.parametrize("every", [1, 5])
def test_the_network_looks_at_every_so_manieth_frame(
    on_cpu: Make, calls: Calls, every: int
) -> None:
    after(on_cpu(every=every), 20)
    assert calls.count == 20 // every


def test_under_load_it_looks_half_as_often(on_cpu: Make, calls: Calls) -> None:
    pipeline = on_cpu()
    assert Level.SPARE in pipeline.levels
    pipeline.shed(Level.SPARE)
    after(pipeline, 20)
    assert calls.count == 2


def test_nothing_to_look_for_costs_no_look(on_cpu: Make, calls: Calls) -> None:
    pipeline = on_cpu("person")
    after(pipeline, 6)
    assert calls.count == 0
    assert "motion" not in {bound.step.name for bound in pipeline._cascade.steps}


def test_between_two_looks_the_thing_is_followed(on_cpu: Make, calls: Calls) -> None:
    pipeline = on_cpu(every=60)
    for serial in range(10):
        _, matte = show(pipeline, scene(serial, shift=3 * serial))
    assert calls.count == 1
    assert of_chair(matte, 27) > 0.9
    assert float(matte[TOP + 12 : BOTTOM - 12, LEFT : LEFT + 10].mean()) < 90, "no trail"


def test_nothing_is_left_of_it_across_a_cut(on_cpu: Make, calls: Calls) -> None:
    pipeline = on_cpu(every=60)
    after(pipeline)
    assert calls.count == 1
    _, matte = show(pipeline, scene(9, chair=False, cut=True))
    assert calls.count == 2
    assert of_chair(matte) == 0


def test_a_cut_that_nobody_announced(on_cpu: Make, calls: Calls) -> None:
    """The whole picture changes: the motion explains nothing, and the network looks anew."""
    pipeline = on_cpu(every=60)
    after(pipeline)
    other = scene(9, chair=False)
    other.y[:] = np.where(other.y > 200, other.y, 150 - other.y)
    _, matte = show(pipeline, other)
    assert calls.count == 2
    assert of_chair(matte) == 0


def test_whoever_is_not_shown_is_not_let_in_by_a_thing(on_cpu: Make) -> None:
    """Somebody sits on the chair: of them nothing is shown where only the chair is kept."""
    matte = after(on_cpu("chair"), person=60)
    assert float(matte[90:110, 50:70].max()) <= 2


def test_a_look_that_fails_hides_whoever_is_not_to_be_shown(
    on_cpu: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = on_cpu("chair", every=1)
    after(pipeline, 3)

    def fails(*_: object) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr("appliance.networks.classes.ClassNetwork.infer", fails)
    _, matte = show(pipeline, scene(4))
    assert matte[:, 150:].max() == 0
    assert "it broke" in pipeline.resting["select"]
    monkeypatch.undo()
    after_rest = 5 + -(-REST_NS // 33_333_333)
    for serial in range(after_rest, after_rest + 3):
        _, matte = show(pipeline, scene(serial))
    assert not pipeline.resting
    assert of_chair(matte) > 0.9


def test_a_network_that_is_not_there_rests_with_the_reason(networks: Path, on_cpu: Make) -> None:
    pipeline = on_cpu()
    (networks / "manifest.yaml").rename(networks / "was.yaml")
    pipeline.configure(wanted("cat"))
    show(pipeline, scene(0))
    _select(pipeline)._loading._thread.join(30)
    show(pipeline, scene(1))
    assert "no model named 'coloured'" in pipeline.resting["select"]
    assert "mattebox model add" in pipeline.resting["select"]


def _select(pipeline: Pipeline):  # type: ignore[no-untyped-def]
    return next(b.part for b in pipeline._cascade.steps if b.step.name == "select")


@pytest.mark.parametrize("size", [(3840, 2160), (180, 320), (98, 34), (34, 200)])
def test_other_sizes_and_shapes(on_cpu: Make, size: tuple[int, int]) -> None:
    """The lower half is a chair: of it nearly all is shown, of the upper half nothing."""
    pipeline = on_cpu(format=Format(*size, (30, 1), FULL))
    width, height = size
    for serial in range(3):
        frame = flat(width, height, 50)
        frame.y[height // 2 :] = 40
        frame.uv[height // 4 :] = (225, 110)
        frame = replace(frame, pts=serial * 33_333_333, captured=serial * 33_333_333)
        _, matte = show(pipeline, frame)
    assert matte[height * 2 // 3 :].mean() > 240
    assert matte[: height // 3].mean() < 4


def test_switched_on_and_off_again_and_again(on_cpu: Make) -> None:
    pipeline = on_cpu()
    on = pipeline.settings
    off = on.model_copy(update={"stages": type(on.stages)()})
    for turn in range(200):
        pipeline.configure(off if turn % 2 == 0 else on)
        if turn % 20 < 2:
            show(pipeline, scene(turn))
    loaded(pipeline)
    assert len(pipeline._cascade._parts) < 15
    for serial in range(300, 308):
        _, matte = show(pipeline, scene(serial))
    assert of_chair(matte) > 0.96
