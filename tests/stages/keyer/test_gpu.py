"""The keyer with frames on the GPU: it says that it does not run there, and the network works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import MattingSettings, Settings
from appliance.errors import ModelError
from appliance.media.frame import blank
from appliance.networks.choose import choose_network
from appliance.pipeline.gpu import GpuPipeline
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT
from tests.scenes import FULL, Stage, disc


def test_it_says_so(network: Path) -> None:
    settings = Settings.model_validate({"stages": {"keyer": {"enabled": True}}})
    made = GpuPipeline(settings, FORMAT, emulated(network), Stage(FORMAT.width, FORMAT.height))
    out = blank(FORMAT.width, FORMAT.height, FULL)
    matte = np.zeros((FORMAT.height, FORMAT.width), np.uint8)
    try:
        for k in range(2):
            made.process(disc(FORMAT.width, FORMAT.height, 60, 45, 20, serial=k), out, matte)
        assert "matting.runtime: onnxruntime" in made.resting["key"]
        assert matte.max() == 255
    finally:
        made.close()


def test_alone_it_never_runs_on_the_gpu() -> None:
    with pytest.raises(ModelError, match="which runs on the processor"):
        choose_network(MattingSettings(model="chroma", runtime="tensorrt"))
    assert "ONNX Runtime" in choose_network(MattingSettings(model="chroma")).description
