"""The person as a layer of their own: the same composite as in one pass, on both sides."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.cuda.transfer import pitched
from appliance.media.frame import blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline
from appliance.pixels.gpu import PersonLayer
from appliance.stages import binding
from appliance.stages.cascade import CASCADE, Step
from appliance.stages.device.work import DeviceCommon, DeviceWork
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker
from tests.scenes import FULL, STAGE, Stage, disc

LAYERED: dict[str, Any] = {"mattes": {"enabled": True}}


def composites(pipeline: FramePipeline) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    made = []
    for k in range(6):
        out = blank(FORMAT.width, FORMAT.height, FULL)
        matte = np.full((FORMAT.height, FORMAT.width), 7, np.uint8)
        frame = disc(FORMAT.width, FORMAT.height, 40 + 9 * k, 45, 16, serial=k)
        pipeline.process(frame, out, matte)
        made.append((out.y, out.uv, matte))
    return made


def on_cpu(path: Path, stages: dict[str, Any], **others: Any) -> Pipeline:
    matting = OnnxRuntimeMatting(*load_manifest(path), threads=1)
    settings = Settings.model_validate({"stages": stages, **others})
    return Pipeline(settings, FORMAT, matting, Stage(FORMAT.width, FORMAT.height))


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_as_in_one_pass(make: Maker, network: Path, side: str) -> None:
    def pipeline(stages: dict[str, Any]) -> FramePipeline:
        return make(emulated(network), stages=stages) if side == "gpu" else on_cpu(network, stages)

    plain, layered = composites(pipeline({})), composites(pipeline(LAYERED))
    assert max(int(matte.max()) for *_, matte in plain) == 255
    for want, got in zip(plain, layered, strict=True):
        for one, other in zip(want, got, strict=True):
            assert np.abs(one.astype(int) - other).max() <= 1


class Moody:
    """A stage on the GPU that gives another layer in ``begin``, and fails where told to."""

    trouble = ""

    def __init__(self, common: DeviceCommon) -> None:
        width, height = common.format.width, common.format.height
        self._front = pitched(common.context, common.format)
        self._alpha = common.context.upload(np.full((height, width), 255, np.uint8))
        self.calls = 0

    def reset(self) -> None:
        pass

    @property
    def recordable(self) -> bool:
        return True

    def begin(self, work: DeviceWork) -> None:
        self._fail("begin")
        work.layer = PersonLayer(
            self._front, self._alpha.address, work.frame.width, work.frame.rect
        )

    def end(self, work: DeviceWork) -> None:
        self._fail("end")

    def key(self, work: DeviceWork) -> int:
        self._fail("key")
        return 0

    def paint(self, work: DeviceWork) -> None:
        self._fail("launch")

    def _fail(self, where: str) -> None:
        if self.trouble == where:
            raise ZeroDivisionError(where)


@pytest.mark.parametrize("where", ["begin", "key", "launch", "end"])
def test_one_that_fails_on_the_gpu_leaves_nothing_behind(
    make: Maker, network: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in its own frame, nor from a recorded graph; and it comes back after its rest."""
    module = types.ModuleType("appliance.stages.moody.gpu")
    module.Moody = Moody  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "appliance.stages.moody", types.ModuleType("moody"))
    monkeypatch.setitem(sys.modules, "appliance.stages.moody.gpu", module)
    step = Step(
        "moody", "another layer", gpu="moody.gpu:Moody.paint", optional=True,
        launched="launch composite",
    )  # fmt: skip
    at = [one.name for one in CASCADE].index("composite")
    monkeypatch.setattr(binding, "CASCADE", (*CASCADE[:at], step, *CASCADE[at:]))
    pipeline = make(emulated(network), stages=LAYERED)

    def corner(second: float) -> int:
        out = blank(FORMAT.width, FORMAT.height, FULL)
        frame = disc(FORMAT.width, FORMAT.height, 60, 45, 16)
        pipeline.process(replace(frame, pts=int(second * 1e9)), out)
        return int(out.y[2, 2])

    # Shown everywhere, until a graph of it has been recorded; then it fails.
    painted = {corner(k / 30) for k in range(12)}
    assert STAGE not in painted
    monkeypatch.setattr(Moody, "trouble", where)
    # Where nothing is called but replayed, nothing fails either: another layout of memory comes.
    pipeline.use_background(Stage(FORMAT.width, FORMAT.height))
    assert {corner(1 + k / 30) for k in range(12)} == {STAGE}
    assert pipeline.resting == {"moody": f"ZeroDivisionError: {where}"}
    monkeypatch.setattr(Moody, "trouble", "")
    assert corner(5.5) == STAGE, "tried again too soon"
    assert {corner(6.5 + k / 30) for k in range(12)} == painted
    assert pipeline.resting == {}
