"""The upright input on the CPU: when it is used, what a change forgets, what is carried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import F32, Format, Frame, blank
from appliance.networks.base import Matting
from appliance.networks.sizes import load_sizes
from appliance.pipeline.cpu import Pipeline
from appliance.shedding import Level
from appliance.stages.network.cpu import Look
from appliance.stages.timings import StageClock
from tests.networks.bright import bright_network
from tests.scenes import FULL, PERSON, STAGE, Stage, flat

WIDTH, HEIGHT = 320, 180
SIZES = {
    "bright": (64, 36),
    "bright-upright": (36, 64),
    "small": (48, 28),
    "small-upright": (28, 48),
}


class Counted:
    """A network that notes how often it ran."""

    def __init__(self, matting: Matting) -> None:
        self._matting = matting
        self.runs = self.side_passes = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._matting, name)

    def infer(self, *, remember: bool = True) -> F32:
        self.runs += remember
        self.side_passes += not remember
        return self._matting.infer(remember=remember)


def network(folder: Path, *, recurrent: bool = False, without: str = "") -> dict[str, Counted]:
    """The bright network at all of its sizes but one, which its manifest names nevertheless."""
    names = {"bright": {"smaller": "small", "upright": "bright-upright"},
             "small": {"upright": "small-upright"}}  # fmt: skip
    for name, (width, height) in SIZES.items():
        if name != without:
            bright_network(folder / name, width=width, height=height, recurrent=recurrent,
                           manifest={"name": name, **names.get(name, {})})  # fmt: skip
    matting = load_sizes(folder / "bright" / "manifest.yaml", 1)
    made = {"bright": Counted(matting)}
    for name, owner, key in (
        ("bright-upright", matting, "upright"),
        ("small", matting, "smaller"),
        ("small-upright", matting.smaller, "upright"),
    ):
        if name != without:
            made[name] = Counted(getattr(owner, key))
            setattr(owner, key, made[name])
    return made


def make(networks: dict[str, Counted], width: int, height: int, **settings: object) -> Pipeline:
    matting: object = networks["bright"]
    return Pipeline(
        Settings.model_validate(settings), Format(width, height, (30, 1), FULL),
        matting, Stage(width, height),  # type: ignore[arg-type]
    )  # fmt: skip


def somebody(width: int, height: int, x: int, y: int, serial: int, size: tuple[int, int]) -> Frame:
    """A bright upright or lying bar around (x, y); noise keeps no pixel quite still."""
    frame = flat(width, height, 40)
    wide, high = size
    frame.y[y - high // 2 : y + high // 2, x - wide // 2 : x + wide // 2] = PERSON
    moment = 1 + serial * 33_333_333
    return replace(frame, serial=serial, pts=moment, captured=moment)


STANDING, LYING = (30, 150), (220, 60)
"""From one to the other within a frame: too much for ``taking-part`` to take it for one person."""


def show(pipeline: Pipeline, serial: int, size: tuple[int, int], x: int = 160) -> np.ndarray:
    """The composite's luma."""
    format = pipeline.format
    out = blank(format.width, format.height, FULL)
    frame = somebody(format.width, format.height, x, format.height // 2, serial, size)
    pipeline.process(frame, out)
    return out.y


def test_a_standing_person_is_seen_through_the_upright_input(tmp_path: Path) -> None:
    networks = network(tmp_path)
    pipeline = make(networks, WIDTH, HEIGHT)
    for i in range(35):
        y = show(pipeline, i, STANDING)
        assert abs(int(y[90, 160]) - PERSON) <= 2
        assert y[90, 100] == STAGE
    assert (networks["bright"].runs, networks["bright-upright"].runs) == (1, 34)
    # The frame is wide: looks at all of it are through the usual input.
    assert networks["bright"].side_passes >= 1
    assert networks["bright-upright"].side_passes == 0


def test_and_a_wide_one_is_not(tmp_path: Path) -> None:
    networks = network(tmp_path)
    pipeline = make(networks, WIDTH, HEIGHT)
    for i in range(30):
        show(pipeline, i, LYING)
    assert networks["bright-upright"].runs == 0


def test_an_upright_frame(tmp_path: Path) -> None:
    """From the first frame on, and for the looks at all of it."""
    networks = network(tmp_path)
    pipeline = make(networks, 180, 320)
    for i in range(35):
        show(pipeline, i, STANDING, x=90)
    assert networks["bright"].runs == networks["bright"].side_passes == 0
    assert networks["bright-upright"].side_passes >= 1


def test_from_one_to_the_other_and_back(tmp_path: Path) -> None:
    """Whoever lies down and gets up is cut out in every frame, and the room is never seen."""
    networks = network(tmp_path)
    pipeline = make(networks, WIDTH, HEIGHT, clean={"keep": "all"})
    for i in range(120):
        size = LYING if 40 <= i < 80 else STANDING
        y = show(pipeline, i, size)
        assert abs(int(y[90, 160]) - PERSON) <= 2, i
        assert y[4, 4] == STAGE
        wide, high = size
        beside = y[90 - high // 2 + 4 : 90 + high // 2 - 4, 160 - wide // 2 - 12]
        assert np.abs(beside.astype(int) - STAGE).max() <= 2, i
    assert networks["bright"].runs > 20
    assert networks["bright-upright"].runs > 60


def test_what_a_network_remembers_is_forgotten_at_a_change(tmp_path: Path) -> None:
    """On the first frame after a reset, a recurrent network gives half of its answer."""
    networks = network(tmp_path, recurrent=True)
    pipeline = make(networks, WIDTH, HEIGHT, steady={"enabled": False}, clean={"threshold": 0.4})
    found = []
    for i in range(120):
        size = LYING if 40 <= i < 80 else STANDING
        before = networks["bright-upright"].runs
        y = show(pipeline, i, size)
        found.append((networks["bright-upright"].runs > before, int(y[90, 160])))
    changes = [i for i in range(1, 120) if found[i][0] != found[i - 1][0]]
    assert len(changes) == 3
    for i in changes:
        halfway = (PERSON + STAGE) / 2
        assert abs(found[i][1] - halfway) < abs(found[i][1] - PERSON), (i, found[i])


@pytest.mark.parametrize("level", [Level.REUSE, Level.SMALL])
def test_under_load_the_shape_stays(tmp_path: Path, level: Level) -> None:
    networks = network(tmp_path)
    pipeline = make(networks, WIDTH, HEIGHT, clean={"keep": "all"})
    pipeline.shed(level)
    for i in range(120):
        size = LYING if 40 <= i < 80 else STANDING
        y = show(pipeline, i, size)
        assert abs(int(y[90, 160]) - PERSON) <= 2, i
    usual, upright = (
        ("small", "small-upright") if level == Level.SMALL else ("bright", "bright-upright")
    )
    assert networks[usual].runs > 10
    assert networks[upright].runs > 30
    assert networks[usual].runs + networks[upright].runs < 65, "every second one is carried"
    assert sum(one.runs for name, one in networks.items() if name not in (usual, upright)) == 0


def test_a_smaller_one_that_has_no_upright_input(tmp_path: Path) -> None:
    """It gets the ROI in its own shape, at once, and the upright one is taken up again after."""
    networks = network(tmp_path, without="small-upright")
    pipeline = make(networks, WIDTH, HEIGHT)
    for i in range(60):
        pipeline.shed(Level.SMALL if 20 <= i < 40 else Level.FULL)
        y = show(pipeline, i, STANDING)
        assert abs(int(y[90, 160]) - PERSON) <= 2, i
    assert networks["small"].runs > 5
    assert networks["bright-upright"].runs > 20


def test_one_that_is_named_but_not_there_is_done_without(tmp_path: Path) -> None:
    networks = network(tmp_path, without="bright-upright")
    pipeline = make(networks, WIDTH, HEIGHT)
    for i in range(10):
        y = show(pipeline, i, STANDING)
    assert networks["bright"].runs == 10
    assert abs(int(y[90, 160]) - PERSON) <= 2


def test_the_last_crop_stays_while_the_next_is_made(tmp_path: Path) -> None:
    """What compares two frames' planes keeps no copy; a second crop of one frame takes no turn."""
    look = Look(network(tmp_path)["bright"], StageClock())  # type: ignore[arg-type]
    frames = [flat(WIDTH, HEIGHT, luma) for luma in (40, 80, 120, 160)]
    rect = frames[0].rect
    first = look.crop(frames[0], rect)
    second = look.fill(frames[1], rect)
    assert (first[0] == 40).all()
    assert (second[0] == 80).all()
    look.fill(frames[1], rect, aside=True)
    again = look.fill(frames[2], rect, again=True)
    assert np.shares_memory(again, second)
    assert (first[0] == 40).all()
    look.crop(frames[3], rect)
    assert (again[0] == 120).all()
