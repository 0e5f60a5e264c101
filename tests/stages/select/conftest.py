"""Scenes with a person (bright), a chair (blue) and a cat (red), and networks that know them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import Format, Frame, blank
from appliance.networks.classes import ClassNetwork
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline
from appliance.pixels import cpu
from appliance.stages.select.cpu import SelectSteps
from tests.networks.bright import bright_network
from tests.networks.coloured import coloured_network
from tests.scenes import FULL, Stage

FORMAT = Format(320, 180, (30, 1), FULL)
BLUE, RED = (30, 30, 200), (200, 30, 30)
CHAIR = (30, 60, 90, 150)
"""Left, top, right, bottom."""


def scene(
    serial: int = 0, *, person: float | None = 200, chair: bool = True, shift: int = 0,
    cat: bool = False, cut: bool = False,
) -> Frame:  # fmt: skip
    """A dark room with somebody at column ``person``, a chair, ``shift`` further right, a cat."""
    rng = np.random.default_rng(3)
    picture = rng.integers(40, 70, (FORMAT.height, FORMAT.width, 1), np.uint8).repeat(3, 2)
    picture = cv2.blur(picture, (5, 5))
    if chair:
        left, top, right, bottom = CHAIR
        seat = rng.integers(0, 25, (bottom - top, right - left, 1), np.uint8)
        picture[top:bottom, left + shift : right + shift] = np.uint8(BLUE) + cv2.blur(
            seat.repeat(3, 2), (3, 3)
        )
    if cat:
        picture[140:176, 250:300] = RED
    if person is not None:
        cv2.circle(picture, (round(person), 100), 36, (235, 235, 235), -1)
    planes = np.ascontiguousarray(picture[..., ::-1])
    bgrx = np.dstack([planes, np.full(planes.shape[:2], 255, np.uint8)])
    made = blank(FORMAT.width, FORMAT.height, FULL)
    cpu.bgrx_to_nv12(bgrx, made)
    pts = serial * 33_333_333
    return Frame(made.y, made.uv, FULL, pts=pts, captured=pts, serial=serial, discontinuity=cut)


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with ``coloured``, found by its name."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return coloured_network(tmp_path / "state" / "engines" / "coloured").parent


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    """A matting network that knows nothing but who is bright."""
    return bright_network(tmp_path / "bright")


def wanted(keep: str = "person, chair", every: int = 5, **more: Any) -> Settings:
    """Settings with the stage on."""
    select = {"enabled": True, "keep": keep, "model": "coloured", "every": every}
    return Settings.model_validate({"stages": {"select": select}, **more})


@pytest.fixture
def on_cpu(networks: Path, bright: Path) -> Callable[..., Pipeline]:
    """Makes a pipeline whose network of classes is loaded."""

    def make(
        keep: str = "person, chair", every: int = 5, format: Format = FORMAT, **more: Any
    ) -> Pipeline:
        matting = OnnxRuntimeMatting(*load_manifest(bright), threads=1)
        settings = wanted(keep, every, **more)
        made = Pipeline(settings, format, matting, Stage(format.width, format.height))
        loaded(made)
        return made

    return make


def loaded(pipeline: Any) -> None:
    """Wait for the network of classes, if the pipeline wants one."""
    part = pipeline._cascade._parts.get(SelectSteps)
    if part is None:
        return
    if part._ready() is None:
        part._loading._thread.join(30)
    assert part._ready() is not None


def show(pipeline: FramePipeline, frame: Frame) -> tuple[Frame, np.ndarray]:
    """The composite and the matte for a frame."""
    out = blank(frame.width, frame.height, frame.colour)
    matte = np.full((frame.height, frame.width), 7, np.uint8)
    pipeline.process(frame, out, matte)
    return out, matte


class Calls:
    """Counts the looks of every network of classes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        run = ClassNetwork.infer

        def infer(network: ClassNetwork) -> None:
            self.count += 1
            run(network)

        monkeypatch.setattr(ClassNetwork, "infer", infer)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """See ``Calls``."""
    return Calls(monkeypatch)
