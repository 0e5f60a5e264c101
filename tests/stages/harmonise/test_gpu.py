"""The step on the emulated GPU against the one on the CPU, and what the device is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.background.blur import BlurBackground
from appliance.config.settings import Settings
from appliance.media.frame import Frame, blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline
from tests.kernels import driver
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker, log, make
from tests.scenes import FULL, Stage, disc

__all__ = ["log", "make"]

S = 1_000_000_000
ON: dict[str, Any] = {"harmonise": {"enabled": True, "light_wrap": 0.5}}


class Scene(Stage):
    """A dark and bluish background."""

    def __init__(self) -> None:
        super().__init__(FORMAT.width, FORMAT.height)
        self.picture.y[:] = 40
        self.picture.uv[:] = (150, 120)
        self.picture.y[:, 60:] = 70


def made(pipeline: FramePipeline, k: int) -> Frame:
    out = blank(FORMAT.width, FORMAT.height, FULL)
    frame = disc(FORMAT.width, FORMAT.height, 80, 45, 24, serial=k)
    pipeline.process(replace(frame, pts=k * S // 30), out)
    assert pipeline.resting == {}
    return out


def on_cpu(network: Path, background: Any, stages: dict[str, Any]) -> Pipeline:
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    if stages:
        # Something that wants the layer, as the GPU's side of the light does.
        stages = {**stages, "mattes": {"enabled": True}}
    return Pipeline(Settings.model_validate({"stages": stages}), FORMAT, matting, background)


def apart(one: Frame, other: Frame) -> int:
    y = np.abs(one.y.astype(int) - other.y).max()
    return max(int(y), int(np.abs(one.uv.astype(int) - other.uv).max()))


def test_as_on_the_cpu_a_frame_later(make: Maker, network: Path) -> None:
    gpu = make(emulated(network), Scene(), stages=ON)
    cpu, plain = on_cpu(network, Scene(), ON), on_cpu(network, Scene(), {})
    for k in range(14):
        got, want, without = made(gpu, k), made(cpu, k), made(plain, k)
        if k > 0:
            assert apart(got, want) <= 3, k
            assert apart(got, without) > 15


def test_in_their_own_room_people_are_left_as_they_are(make: Maker, network: Path) -> None:
    plain = make(emulated(network), BlurBackground(FORMAT, 0.03))
    lit = make(emulated(network), BlurBackground(FORMAT, 0.03), stages=ON)
    for k in range(8):
        assert apart(made(plain, k), made(lit, k)) <= 1


def test_a_cut_forgets_what_is_on_its_way(make: Maker, network: Path) -> None:
    gpu = make(emulated(network), Scene(), stages=ON)
    plain = make(
        emulated(network),
        Scene(),
        stages={"harmonise": {"enabled": True, "strength": 0.0, "light_wrap": 0.5}},
    )
    made(gpu, 0)
    gpu.reset()
    assert apart(made(gpu, 1), made(plain, 1)) == 0


def test_nothing_is_allocated_and_nothing_waited_for(
    make: Maker, network: Path, log: driver.Log
) -> None:
    gpu = make(emulated(network), Scene(), stages=ON)
    for k in range(12):
        made(gpu, k)
    plain = make(emulated(network), Scene(), stages={"mattes": {"enabled": True}})
    counts = []
    for pipeline in (gpu, plain):
        for k in range(12, 24):
            made(pipeline, k)
        before = (log.allocations, log.waits)
        for k in range(24, 34):
            made(pipeline, k)
        counts.append((log.allocations - before[0], log.waits - before[1]))
    assert counts[0] == counts[1]
    assert counts[0][0] == 0


@pytest.mark.parametrize("harmonise", [{"strength": 0.0}, {"light_wrap": 0.0}])
def test_settings_are_live(make: Maker, network: Path, harmonise: dict[str, Any]) -> None:
    gpu = make(emulated(network), Scene(), stages=ON)
    for k in range(8):
        made(gpu, k)
    stages = {"harmonise": {"enabled": True, **harmonise}}
    gpu.configure(Settings.model_validate({"stages": stages}))
    cpu = on_cpu(network, Scene(), stages)
    for k in range(8, 20):
        got, want = made(gpu, k), made(cpu, k)
    assert apart(got, want) <= 3
