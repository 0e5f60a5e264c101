"""How the frame path sheds load: carried mattes, the smaller network, and level changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.errors import MattingError
from appliance.media.frame import Format, Frame, blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.base import Outcome
from appliance.pipeline.cpu import Pipeline
from appliance.shedding import NETWORK_LEVELS, Level
from tests.daemons import Breakable
from tests.networks.bright import bright_network
from tests.scenes import FULL, PERSON, STAGE, Stage, disc, leaked


def network(folder: Path, *, recurrent: bool = False, smaller: bool = True) -> Breakable:
    """The bright network, with its smaller one."""
    matting = Breakable(*load_manifest(bright_network(folder / "bright", recurrent=recurrent)), 1)
    if smaller:
        small = bright_network(folder / "small", width=48, height=28, recurrent=recurrent)
        matting.smaller = OnnxRuntimeMatting(*load_manifest(small), threads=1)
    return matting


def make(matting: Breakable, **settings: object) -> Pipeline:
    """A pipeline over the stage."""
    return Pipeline(
        Settings.model_validate(settings), Format(320, 180, (30, 1), FULL), matting, Stage(320, 180)
    )


def show(pipeline: Pipeline, frame: Frame) -> tuple[np.ndarray, Outcome]:
    """A composite's luma, and its outcome."""
    out = blank(320, 180, FULL)
    outcome = pipeline.process(frame, out)
    return out.y, outcome


def test_levels_that_there_are(tmp_path: Path) -> None:
    assert make(network(tmp_path)).levels == NETWORK_LEVELS
    assert make(network(tmp_path, smaller=False)).levels == (0, 3, 5)


@pytest.mark.parametrize("before", list(Level))
@pytest.mark.parametrize("after", list(Level))
def test_from_any_level_to_any_other(tmp_path: Path, before: Level, after: Level) -> None:
    """A walking person is cut out throughout, and the room is never seen."""
    pipeline = make(network(tmp_path))
    pipeline.shed(before)
    carried = []
    for i in range(30):
        if i == 15:
            pipeline.shed(after)
        x = 80 + 3 * i
        y, outcome = show(pipeline, disc(x=x, serial=i))
        carried.append(outcome.carried)
        assert abs(int(y[90, x]) - PERSON) <= 2, i
        assert y[5, 5] == STAGE
        # A thin line at the trailing edge of the walk: of 5000 pixels.
        assert leaked(y) <= (120 if outcome.carried else 60), i
    assert sum(carried[:15]) == (0 if before < Level.REUSE else 7)
    assert sum(carried[16:]) == (0 if after < Level.REUSE else 7)


def test_what_a_network_remembers_is_of_its_own_looks(tmp_path: Path) -> None:
    """On the first frame after a reset, a recurrent network gives half of its answer."""
    off = {"enabled": False}
    pipeline = make(network(tmp_path, recurrent=True), roi=off, steady=off)
    serial = 0
    for level in (Level.SMALL, Level.FULL, Level.SMALL, Level.REUSE):
        pipeline.shed(level)
        for _ in range(6):
            y, _ = show(pipeline, disc(serial=serial))
            serial += 1
        assert abs(int(y[90, 160]) - PERSON) <= 2
    pipeline.shed(Level.SMALL)
    y, _ = show(pipeline, disc(x=90, serial=serial))
    assert y[90, 160] == STAGE, "the small network still remembers where the disc was"


def test_the_network_runs_half_as_often(tmp_path: Path) -> None:
    pipeline = make(network(tmp_path), roi={"enabled": False})
    for level, passes in ((Level.FULL, 20), (Level.REUSE, 10), (Level.SMALL, 10)):
        pipeline.shed(level)
        pipeline.clock.reset()
        for i in range(20):
            show(pipeline, disc(serial=i))
        assert pipeline.clock.stages["network"].count == passes
        assert "carry" not in pipeline.clock.stages or level != Level.FULL


@pytest.mark.parametrize(("apart_s", "many"), [(0.033, 6), (0.115, 6), (0.125, 0), (-0.01, 0)])
def test_no_matte_is_carried_far(tmp_path: Path, apart_s: float, many: int) -> None:
    """Where a busy machine gets a frame done now and then, people have moved on meanwhile."""
    pipeline = make(network(tmp_path))
    pipeline.shed(Level.REUSE)
    carried = 0
    for i in range(12):
        frame = replace(disc(x=70 + i, serial=i), pts=10**9 + round(i * apart_s * 1e9))
        carried += show(pipeline, frame)[1].carried
    assert carried == many


def test_a_cut_that_nobody_announced_is_seen(tmp_path: Path) -> None:
    """The old matte on another picture would show the room there."""
    pipeline = make(network(tmp_path), roi={"enabled": False})
    pipeline.shed(Level.REUSE)
    show(pipeline, disc(x=70, serial=0))
    cut = disc(x=250, serial=1)
    dark = replace(cut, y=np.where(cut.y == PERSON, PERSON, cut.y + 30).astype(np.uint8))
    y, outcome = show(pipeline, dark)
    assert not outcome.carried
    assert abs(int(y[90, 250]) - PERSON) <= 2
    assert y[90, 70] == STAGE


def test_a_cut_that_was_announced_is_not_carried_over(tmp_path: Path) -> None:
    pipeline = make(network(tmp_path))
    pipeline.shed(Level.REUSE)
    show(pipeline, disc(x=70, serial=0))
    y, outcome = show(pipeline, replace(disc(x=74, serial=1), discontinuity=True))
    assert not outcome.carried
    assert abs(int(y[90, 74]) - PERSON) <= 2


def test_someone_new_is_still_found(tmp_path: Path) -> None:
    pipeline = make(network(tmp_path))
    pipeline.shed(Level.REUSE)
    frames = [disc(x=60, radius=20, serial=i) for i in range(75)]
    for frame in frames[20:]:
        frame.y[80:100, 270:290] = PERSON
    composites = [show(pipeline, frame)[0] for frame in frames]
    assert composites[19][90, 280] == STAGE
    assert abs(int(composites[74][90, 280]) - PERSON) <= 1


def test_someone_new_is_found_where_nothing_can_be_carried(tmp_path: Path) -> None:
    """With light that flickers from frame to frame, every frame goes to the network."""
    pipeline = make(network(tmp_path))
    pipeline.shed(Level.REUSE)
    carried = []
    for i in range(75):
        frame = disc(x=60, radius=20, serial=i)
        if i >= 20:
            frame.y[80:100, 270:290] = PERSON
        if i % 2:
            frame.y[frame.y < PERSON] += 40
        y, outcome = show(pipeline, frame)
        carried.append(outcome.carried)
    assert not any(carried)
    assert abs(int(y[90, 280]) - PERSON) <= 1


def test_a_failure_leaves_nothing_to_carry(tmp_path: Path) -> None:
    matting = network(tmp_path)
    pipeline = make(matting)
    pipeline.shed(Level.REUSE)
    show(pipeline, disc(serial=0))
    show(pipeline, disc(serial=1))
    matting.broken = "nan"
    with pytest.raises(MattingError):
        show(pipeline, disc(serial=2))
    with pytest.raises(MattingError):
        show(pipeline, disc(serial=3))
    matting.broken = None
    y, outcome = show(pipeline, disc(serial=4))
    assert not outcome.carried
    assert abs(int(y[90, 160]) - PERSON) <= 1


def test_another_network_keeps_the_level(tmp_path: Path) -> None:
    pipeline = make(network(tmp_path / "a"))
    pipeline.shed(Level.SMALL)
    show(pipeline, disc(serial=0))
    pipeline.use_matting(network(tmp_path / "b", smaller=False))
    assert pipeline.levels == (0, 3, 5)
    for i in range(1, 9):
        y, outcome = show(pipeline, disc(serial=i))
        assert outcome.carried == (i % 2 == 0)
        assert abs(int(y[90, 160]) - PERSON) <= 1
