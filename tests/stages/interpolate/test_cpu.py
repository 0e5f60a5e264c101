"""Frames between those of the source, through the pipeline: made, for which time, and when not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import Format, Frame, blank
from appliance.networks.sizes import load_sizes
from appliance.pipeline.cpu import Pipeline
from appliance.pixels.cpu.flow import Flow
from appliance.shedding import Level
from appliance.stages.interpolate.when import moment_of
from tests.networks.bright import bright_network
from tests.scenes import FULL, PERSON, STAGE, Stage, flat
from tests.stages.motion.test_cpu import PERIOD, texture, view

WIDTH, HEIGHT = 640, 360
ROOM = (texture(WIDTH, HEIGHT) * 0.45).astype(np.uint8)
SKIN = (200 + texture(WIDTH, HEIGHT, 7) * 0.2).astype(np.uint8)


def camera(number: int, *, dx: int = 8, there: bool = True) -> Frame:
    """A textured block, as bright as a person, crosses a room that stands still."""
    frame = view(ROOM, WIDTH, HEIGHT, number, 0, 0)
    if there:
        x = 200 + number * dx
        frame.y[80:300, x : x + 160] = SKIN[80:300, 200:360]
    return frame


def make(folder: Path, **interpolate: object) -> Pipeline:
    bright_network(folder / "bright", width=160, height=90, manifest={"name": "bright"})
    matting: Any = load_sizes(folder / "bright" / "manifest.yaml", 1)
    settings = {
        "stages": {"interpolate": {"enabled": True, **interpolate}, "motion": {"quality": "fast"}},
        "roi": {"enabled": False}, "clean": {"keep": "all"}, "steady": {"enabled": False},
    }  # fmt: skip
    return Pipeline(
        Settings.model_validate(settings), Format(WIDTH, HEIGHT, (50, 1), FULL), matting,
        Stage(WIDTH, HEIGHT),
    )  # fmt: skip


def show(pipeline: Pipeline, frame: Frame) -> tuple[Frame, Frame, int | None]:
    """The composite, what is in the other canvas, and the time that this was made for."""
    out, also = blank(WIDTH, HEIGHT, FULL), blank(WIDTH, HEIGHT, FULL)
    made_at = pipeline.process(frame, out, None, also).made_at
    assert pipeline.resting == {}
    return out, also, made_at


def middle_of(frame: Frame) -> float:
    """The column about which the person stands; fails if nobody does."""
    there = frame.y[150:220].astype(np.float32) > (PERSON + STAGE) / 2
    return float(np.flatnonzero(there.any(axis=0)).mean())


@pytest.mark.parametrize(("mode", "part"), [("between", -0.5), ("ahead", 0.5)])
def test_the_person_is_where_they_are_at_that_time(tmp_path: Path, mode: str, part: float) -> None:
    pipeline = make(tmp_path, mode=mode)
    assert show(pipeline, camera(0))[2] is None
    for number in range(1, 6):
        frame = camera(number)
        out, also, made_at = show(pipeline, frame)
        assert made_at == frame.pts + round(part * PERIOD)
        assert middle_of(also) == pytest.approx(middle_of(out) + part * 8, abs=1.0)
        # Whole: neither two halves, nor anything of the room.
        assert also.y[190, round(middle_of(also))] > 180
        assert (also.y[:, :150] == STAGE).all()
        assert (also.y[:, 520:] == STAGE).all()


def test_nothing_is_made_across_a_cut(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    show(pipeline, camera(0))
    assert show(pipeline, camera(1))[2] is not None
    other = camera(2)
    other.y[:] = np.where(other.y > 190, other.y, 110 - ROOM[100 : 100 + HEIGHT, 90 : 90 + WIDTH])
    assert show(pipeline, other)[2] is None
    assert show(pipeline, replace(camera(3), discontinuity=True))[2] is None
    assert show(pipeline, camera(4))[2] is not None


def test_a_frame_that_could_not_be_trusted_is_no_neighbour(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    show(pipeline, camera(0))
    pipeline.reset()
    assert show(pipeline, camera(1))[2] is None
    assert show(pipeline, camera(2))[2] is not None


@pytest.mark.parametrize("comes", [True, False])
def test_whoever_comes_or_goes_is_in_no_frame_between(tmp_path: Path, comes: bool) -> None:
    """Nor is anything left of them in the frames that follow."""
    pipeline = make(tmp_path)
    show(pipeline, camera(0, there=not comes))
    _, also, _ = show(pipeline, camera(1, there=comes))
    if not comes:
        assert (also.y == STAGE).all()
        _, also, made_at = show(pipeline, camera(2, there=False))
        assert made_at is not None
        assert (also.y == STAGE).all()


def test_without_a_canvas_nothing_is_made_and_the_next_pair_is_whole(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    show(pipeline, camera(0))
    out = blank(WIDTH, HEIGHT, FULL)
    assert pipeline.process(camera(1), out).made_at is None
    out, also, made_at = show(pipeline, camera(2))
    assert made_at == camera(2).pts - PERIOD // 2
    assert middle_of(also) == pytest.approx(middle_of(out) - 4, abs=1.0)


def test_it_is_the_first_thing_left_out(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    assert pipeline.interpolates
    assert Level.SPARE in pipeline.levels
    show(pipeline, camera(0))
    pipeline.shed(Level.SPARE)
    assert not pipeline.interpolates
    assert show(pipeline, camera(1))[2] is None
    pipeline.shed(Level.FULL)
    # What it remembers is out of date.
    assert show(pipeline, camera(2))[2] is None
    assert show(pipeline, camera(3))[2] is not None


def test_switched_on_and_off(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    off = Settings.model_validate({"roi": {"enabled": False}})
    on = pipeline.settings
    for number in range(40):
        pipeline.configure(on if number % 4 < 2 else off)
        assert pipeline.interpolates == (number % 4 < 2)
        made_at = show(pipeline, camera(number % 7))[2]
        assert made_at is None or number % 4 == 1


def test_one_flow_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    once = Flow.__call__

    def counted(self: Flow, luma: Any, previous: Any) -> Any:
        calls.append(1)
        return once(self, luma, previous)

    monkeypatch.setattr(Flow, "__call__", counted)
    pipeline = make(tmp_path)
    for number in range(6):
        show(pipeline, camera(number))
    assert len(calls) == 5


def test_times() -> None:
    assert moment_of("between", 100, 140).pts == 120
    assert moment_of("ahead", 100, 141).pts == 161
    assert (moment_of("between", 100, 140).at, moment_of("ahead", 100, 140).at) == (0.5, 1.5)


class Film(Stage):
    """A background that tells for when it was asked."""

    def __init__(self) -> None:
        super().__init__(WIDTH, HEIGHT)
        self.asked: list[int] = []

    def before(self, ago_ns: int) -> Frame:
        self.asked.append(ago_ns)
        return flat(WIDTH, HEIGHT, 60)


@pytest.mark.parametrize(("mode", "ago"), [("between", PERIOD // 2), ("ahead", -PERIOD // 2)])
def test_a_background_that_moves_is_that_of_the_time(tmp_path: Path, mode: str, ago: int) -> None:
    pipeline = make(tmp_path, mode=mode)
    film = Film()
    pipeline.use_background(film)
    show(pipeline, camera(0))
    out, also, _ = show(pipeline, camera(1))
    assert film.asked == [ago]
    assert (int(out.y[10, 10]), int(also.y[10, 10])) == (STAGE, 60)
