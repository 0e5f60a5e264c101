"""The network: sizes, shapes, the ONNX graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")
onnx = pytest.importorskip("onnx", reason="onnx lives only in the export environment")
pytest.importorskip("onnxslim", reason="onnxslim lives only in the export environment")

from appliance.networks.manifest import load_manifest  # noqa: E402
from appliance.networks.onnxruntime import OnnxRuntimeMatting  # noqa: E402
from export.network.matting_network import (  # noqa: E402
    PORTRAIT,
    SETTINGS,
    MattingNetwork,
    parameter_count,
)
from export.onnx_export import (  # noqa: E402
    export_checkpoint,
    largest_difference,
    probe_images,
    to_onnx,
)
from export.training import checkpoint  # noqa: E402
from export.training.muon import Optimiser  # noqa: E402

# What TensorRT 10.3 and ONNX Runtime both run well.
FAST_OPERATIONS = {
    "Add", "Clip", "Concat", "Conv", "DepthToSpace", "Div", "GlobalAveragePool", "HardSwish", "Mul",
    "Relu", "Resize", "Sigmoid",
}  # fmt: skip


@pytest.fixture(scope="module", params=sorted(SETTINGS))
def network(request: pytest.FixtureRequest) -> MattingNetwork:
    torch.manual_seed(0)
    return MattingNetwork(SETTINGS[request.param]).eval()


def test_sizes(network: MattingNetwork) -> None:
    setting = network.setting
    assert parameter_count(network) <= setting.max_parameters
    assert setting.width % 16 == setting.height % 16 == 0
    # As near to 16:9 as sides in sixteens come at that width.
    assert setting.height == 16 * round(setting.width * 9 / 16 / 16)


def test_alpha_out(network: MattingNetwork) -> None:
    images = torch.from_numpy(probe_images(network.setting))[-2:]
    with torch.no_grad():
        alpha = network.forward_single_frame(images)
    assert alpha.shape == (2, 1, network.setting.height, network.setting.width)
    assert alpha.isfinite().all()
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_every_part_gets_gradient() -> None:
    network = MattingNetwork(PORTRAIT).train()
    network.forward_logits(torch.randn(2, 3, 160, 288)).square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert without == []


def test_onnx_graph(network: MattingNetwork) -> None:
    model = to_onnx(network)
    assert model.opset_import[0].version >= 17
    assert {node.op_type for node in model.graph.node} <= FAST_OPERATIONS
    for value in (*model.graph.input, *model.graph.output):
        sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
        assert all(size > 0 for size in sizes), f"{value.name} is not static: {sizes}"
    assert largest_difference(network, model.SerializeToString()) < 1e-4


def test_checkpoint_to_engine_folder(tmp_path: Path) -> None:
    network = MattingNetwork(PORTRAIT)
    optimiser = Optimiser(network, rate=1e-3)
    average = checkpoint.MovingAverage(network, 0.9)
    path = tmp_path / "portrait.pt"
    checkpoint.save(path, "portrait", network, average, optimiser, checkpoint.Progress(3, 36, 60.0))
    export_checkpoint(path, "portrait", tmp_path / "engine")
    manifest, model = load_manifest(tmp_path / "engine" / "manifest.yaml")
    assert manifest.training["steps"] == 3
    matting = OnnxRuntimeMatting(manifest, model, threads=1)
    matting.input[:] = 0.5
    alpha = matting.infer()
    assert alpha.shape == (PORTRAIT.height, PORTRAIT.width)
    assert np.isfinite(alpha).all()


def test_wrong_checkpoints_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train first"):
        export_checkpoint(tmp_path / "none.pt", "portrait", tmp_path)
    network = MattingNetwork(PORTRAIT)
    optimiser = Optimiser(network, rate=1e-3)
    path = tmp_path / "portrait.pt"
    average = checkpoint.MovingAverage(network, 0.9)
    checkpoint.save(path, "portrait", network, average, optimiser, checkpoint.Progress())
    with pytest.raises(ValueError, match="expected 'portrait-large'"):
        checkpoint.load(path, "portrait-large")
