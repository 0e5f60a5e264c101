"""The people framed, on both sides: small discs that stand, walk, come and go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import Format, Frame, blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline
from appliance.pixels import cpu
from appliance.stages.frame.framer import Framer
from tests.kernels import driver
from tests.kernels.gpus import emulated
from tests.memory import living
from tests.pipeline.conftest import FORMAT, Maker
from tests.scenes import FULL, PERSON, ROOM, ROOM_CHROMA, Stage, disc, flat, leaked

WIDTH, HEIGHT = FORMAT.width, FORMAT.height


def framed(**settings: Any) -> dict[str, Any]:
    return {"frame": {"enabled": True, "size": 0.6, "headroom": 0.2, **settings}}


def make_one(make: Maker, path: Path, side: str, stages: dict[str, Any]) -> FramePipeline:
    if side == "gpu":
        return make(emulated(path), stages=stages)
    matting = OnnxRuntimeMatting(*load_manifest(path), threads=1)
    settings = Settings.model_validate({"stages": stages})
    return Pipeline(settings, FORMAT, matting, Stage(WIDTH, HEIGHT))


def person(x: float = 60, y: float = 45, radius: float = 16, serial: int = 0) -> Frame:
    return disc(WIDTH, HEIGHT, x, y, radius, serial=serial)


def torso(x: float = 60, serial: int = 0) -> Frame:
    """Somebody whom the lower edge cuts off."""
    frame = person(x, 60, 14, serial)
    frame.y[60:, round(x) - 14 : round(x) + 14] = PERSON
    frame.uv[30:, (round(x) - 14) // 2 : (round(x) + 14) // 2] = 128
    return frame


def shown(pipeline: FramePipeline, frame: Frame) -> np.ndarray:
    """Where the person is in the composite; nothing of the room may be there."""
    out = blank(WIDTH, HEIGHT, FULL)
    pipeline.process(frame, out)
    assert leaked(out.y) == 0
    return np.asarray(out.y > 175)


def bounds(there: np.ndarray) -> tuple[int, int, int, int]:
    x, y, w, h = cv2.boundingRect(there.astype(np.uint8))
    return x, y, x + w, y + h


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_centred_and_to_size(make: Maker, network: Path, side: str) -> None:
    pipeline = make_one(make, network, side, framed())
    for k in range(4):
        there = shown(pipeline, person(serial=k))
    left, top, right, bottom = bounds(there)
    assert abs((left + right) / 2 - WIDTH / 2) <= 2
    assert abs(top - 0.2 * HEIGHT) <= 3
    assert abs(bottom - top - 0.6 * HEIGHT) <= 6
    assert not pipeline.resting


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_a_torso_does_not_float(make: Maker, network: Path, side: str) -> None:
    pipeline = make_one(make, network, side, framed(size=0.3, headroom=0.4))
    for k in range(4):
        there = shown(pipeline, torso(serial=k))
    left, top, right, bottom = bounds(there)
    assert bottom == HEIGHT
    assert abs(top - 0.4 * HEIGHT) <= 3
    assert there[-1, left + 4 : right - 4].all()


def test_switched_on_and_off(make: Maker, network: Path, log: driver.Log) -> None:
    """At once, both ways; off is as if it had never been on."""
    for side in ("cpu", "gpu"):
        pipeline = make_one(make, network, side, {})
        plain = shown(pipeline, person(serial=0))
        for k in range(1, 9, 3):
            on = Settings.model_validate({"stages": framed()})
            pipeline.configure(on)
            shown(pipeline, person(serial=k))
            assert (
                abs(np.subtract(bounds(shown(pipeline, person(serial=k + 1))), bounds(plain))).max()
                > 9
            )
            pipeline.configure(Settings.model_validate({}))
            assert (shown(pipeline, person(serial=k + 2)) == plain).mean() > 0.99


def test_over_the_room_itself_it_rests(network: Path) -> None:
    settings = {"stages": framed(), "background": {"uri": "blur://"}}
    assert not Settings.model_validate(settings).frames_people
    settings["background"] = {"uri": "gradient://"}
    assert Settings.model_validate(settings).frames_people


def test_nobody_is_no_failure(make: Maker, network: Path) -> None:
    room = flat(WIDTH, HEIGHT, ROOM)
    room.uv[:] = ROOM_CHROMA
    for side in ("cpu", "gpu"):
        pipeline = make_one(make, network, side, framed())
        assert not shown(pipeline, room).any()
        assert not pipeline.resting


def test_as_on_the_cpu(make: Maker, network: Path) -> None:
    """At rest both show the same; the GPU a frame later, as it learns of them a frame later."""
    on_gpu, on_cpu = (make_one(make, network, side, framed()) for side in ("gpu", "cpu"))
    for k in range(8):
        frame = person(serial=k)
        made = []
        for pipeline in (on_gpu, on_cpu):
            out, matte = blank(WIDTH, HEIGHT, FULL), np.empty((HEIGHT, WIDTH), np.uint8)
            pipeline.process(frame, out, matte)
            made.append((out.y, out.uv, matte))
        if k > 1:
            for one, other in zip(*made, strict=True):
                assert np.abs(one.astype(int) - other).max() <= 2, k


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_a_cut_is_crossed_at_once(make: Maker, network: Path, side: str) -> None:
    pipeline = make_one(make, network, side, framed())
    for k in range(4):
        shown(pipeline, person(50, serial=k))
    there = []
    for k in range(4, 8):
        frame = replace(person(110, 50, 12, serial=k), discontinuity=k == 4)
        there.append(bounds(shown(pipeline, frame)))
    settled = there[1] if side == "gpu" else there[0]
    assert abs((settled[0] + settled[2]) / 2 - WIDTH / 2) <= 2
    assert np.abs(np.subtract(settled, there[3])).max() <= 2, "nothing glides"


def test_switching_often_leaves_nothing_behind(make: Maker, log: driver.Log, network: Path) -> None:
    on, off = Settings.model_validate({"stages": framed()}), Settings.model_validate({})
    for side, times in (("cpu", 200), ("gpu", 14)):
        pipeline = make_one(make, network, side, {})
        alive, layers = 0, 0
        for k in range(times):
            pipeline.configure(on if k % 2 == 0 else off)
            shown(pipeline, person(serial=k))
            if k == 9:
                alive, layers = log.alive, kept()
        assert (log.alive, kept()) == (alive, layers)


def kept() -> int:
    """How many layers and framers there are."""
    return len(living(cpu.PersonLayer, Framer))


@pytest.mark.parametrize("size", [(32, 32), (34, 58), (90, 160), (642, 362), (3840, 2160)])
def test_any_canvas(network: Path, size: tuple[int, int]) -> None:
    width, height = size
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    settings = Settings.model_validate({"stages": framed()})
    format = Format(width, height, (30, 1), FULL)
    pipeline = Pipeline(settings, format, matting, Stage(width, height))
    for k in range(2):
        frame = disc(width, height, 0.4 * width, 0.5 * height, 0.15 * min(size), serial=k)
        out = blank(width, height, FULL)
        pipeline.process(frame, out)
    left, top, right, bottom = bounds(out.y > 175)
    assert abs((left + right) / 2 - width / 2) <= 0.04 * width + 2
    assert bottom - top > 0.5 * min(size)
    assert leaked(out.y) == 0
    assert not pipeline.resting


def test_what_a_resting_frame_takes(make: Maker, log: driver.Log, network: Path) -> None:
    """Nothing is sent or recorded anew while the view rests, and two graphs are enough."""
    pipeline = make_one(make, network, "gpu", {**framed()})
    for k in range(12):
        shown(pipeline, person(serial=k))
    calls, allocations, waits = log.calls.copy(), log.allocations, log.waits
    for k in range(12, 22):
        shown(pipeline, person(serial=k))
    calls = log.calls - calls
    assert log.allocations == allocations
    assert log.waits == waits + 10
    assert calls["memcpy_htod_async"] == 10, "the frames"
    assert calls["cuGraphLaunch"] >= 20


def test_a_failure_leaves_the_person_as_they_are(
    make: Maker, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = make_one(make, network, "cpu", framed())
    plain = shown(make_one(make, network, "cpu", {}), person())
    monkeypatch.setattr(Framer, "at", lambda *_: 1 / 0)
    there = shown(pipeline, person())
    assert (there == plain).mean() > 0.99
    assert "ZeroDivisionError" in pipeline.resting["frame"]
