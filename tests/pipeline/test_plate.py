"""The empty room in the whole path: the GPU against the CPU, frame by frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from appliance.media.frame import Frame, blank
from appliance.pipeline.base import FramePipeline
from appliance.stages.plate.gpu import ColourSteps, PlateSteps
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker
from tests.pipeline.test_layer import on_cpu
from tests.scenes import FULL, ROOM, disc

W, H = FORMAT.width, FORMAT.height
ON: dict[str, Any] = {"plate": {"enabled": True}}
# The detail of the edge, which is the CPU's alone, goes with the refined edge.
PLAIN: dict[str, Any] = {"refine": {"enabled": False}}


def walker(k: int, *, radius: float = 14, shift: int = 0) -> Frame:
    """The disc with soft edges walks to and fro in a room with stripes."""
    frame = disc(W, H, 80 + 50 * np.sin(k / 6), 45, radius, serial=k)
    frame.y[:] = cv2.GaussianBlur(frame.y, (0, 0), 1.5)
    frame.y[:, shift::7][frame.y[:, shift::7] < ROOM + 9] -= 20
    return frame


def run(pipeline: FramePipeline, frame: Frame) -> tuple[Frame, np.ndarray]:
    out, matte = blank(W, H, FULL), np.zeros((H, W), np.uint8)
    pipeline.process(frame, out, matte)
    assert pipeline.resting == {}
    return out, matte


def apart(one: Frame, other: Frame) -> np.ndarray:
    return np.abs(one.y.astype(int) - other.y)


def test_as_on_the_cpu(make: Maker, network: Path) -> None:
    gpu = make(emulated(network), stages=ON, **PLAIN)
    cpu, plain = on_cpu(network, ON, **PLAIN), on_cpu(network, {}, **PLAIN)
    changed = 0.0
    for k in range(60):
        frame = walker(k)
        (got, matte), (want, other), (without, _) = (run(one, frame) for one in (gpu, cpu, plain))
        # The CPU takes over what is new in the plate a part of the grid's rows each frame.
        assert (np.abs(matte.astype(int) - other) > 8).mean() < 0.001, k
        assert apart(got, want).max() <= 12, k
        assert (apart(got, want) > 2).mean() < 0.0005, k
        changed += (apart(got, without) > 4).mean()
    assert changed > 0.03, "the plate changes the picture"
    assert cpu.plate.copies
    assert not gpu.plate.copies, "the settings keep and show then say that they do nothing"
    status = gpu.plate.status
    assert status.known == pytest.approx(cpu.plate.status.known, abs=0.01)
    assert status.known > 0.6
    assert status.used


def test_learning_when_told_and_a_cut(make: Maker, network: Path) -> None:
    pipeline = make(emulated(network), stages={"plate": {"enabled": True, "learn": "button"}})
    control = pipeline.plate
    for k in range(10):
        run(pipeline, walker(k, radius=0))
    assert control.status.known == 0
    control.learn(1)
    for k in range(10, 45):
        run(pipeline, walker(k, radius=0))
    assert control.status.state == "learnt"
    assert control.status.known == 1
    # The same room after a cut is used again, another one is forgotten.
    for shift, known in ((0, 1), (3, 0)):
        run(pipeline, replace(walker(50, radius=0, shift=shift), discontinuity=True))
        for k in range(51, 60):
            run(pipeline, walker(k, radius=0, shift=shift))
        assert (control.status.known, control.status.used) == (known, True)
    control.learn(1)
    for k in range(60, 64):
        run(pipeline, walker(k))
    assert control.status.state == "refused"
    assert "somebody is in view" in control.status.why
    control.learn(1)
    run(pipeline, walker(64, radius=0))
    control.forget()
    run(pipeline, walker(65, radius=0))
    assert control.status.known == 0


@pytest.mark.parametrize("broken", ["plate", "learn", "colour"])
def test_it_may_fail(
    make: Maker, network: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The frame is as if the stage were off, also while its launches are being recorded."""
    part = ColourSteps if broken == "colour" else PlateSteps
    pipeline, plain = make(emulated(network), stages=ON), make(emulated(network))
    as_it_is = getattr(part, broken)
    for k in range(24):
        if k == 8:
            monkeypatch.setattr(part, broken, fails)
            pipeline.configure(pipeline.settings)
        if k == 16:
            monkeypatch.setattr(part, broken, as_it_is)
            pipeline.configure(pipeline.settings)
        out, out_plain = (blank(W, H, FULL) for _ in range(2))
        pipeline.process(walker(k), out)
        plain.process(walker(k), out_plain)
        assert apart(out, out_plain).max() <= 1, k
        assert bool(pipeline.resting) == (k >= 8)
    run_later = replace(walker(30), pts=8_000_000_000)
    pipeline.process(run_later, out)
    assert pipeline.resting == {}


def fails(self: object, work: object) -> None:
    raise RuntimeError("the room is broken")
