"""The person as a layer of their own: the same composite as in one pass, on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker
from tests.scenes import FULL, Stage, disc

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


def on_cpu(path: Path, stages: dict[str, Any]) -> Pipeline:
    matting = OnnxRuntimeMatting(*load_manifest(path), threads=1)
    settings = Settings.model_validate({"stages": stages})
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
