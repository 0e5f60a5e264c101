"""MediaPipe's network written out in torch: the same alpha as the published file gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")
onnx = pytest.importorskip("onnx", reason="onnx lives only in the export environment")

import onnxruntime as ort  # noqa: E402

from export.network.selfie import SelfieNetwork, load_published  # noqa: E402
from export.training.prior_start import PUBLISHED  # noqa: E402


@pytest.mark.shared
@pytest.mark.parametrize(("name", "rows"), [("general", 256), ("landscape", 144)])
def test_same_alpha_as_the_published_file(shared: Path, name: str, rows: int) -> None:
    path = shared / "models" / PUBLISHED[name]
    network = SelfieNetwork().eval()
    load_published(network, path)
    picture = np.random.default_rng(0).random((1, 3, rows, 256), np.float32)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    theirs = np.asarray(session.run(None, {"input_1": picture})[0]).reshape(rows, 256)
    with torch.no_grad():
        ours = network(torch.from_numpy(picture)).sigmoid()[0, 0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_any_size_in_sixteens() -> None:
    network = SelfieNetwork().eval()
    with torch.no_grad():
        assert network(torch.rand(2, 3, 160, 288)).shape == (2, 1, 160, 288)
        assert network(torch.rand(1, 3, 288, 160)).shape == (1, 1, 288, 160)


def test_other_files_are_refused(tmp_path: Path) -> None:
    network = SelfieNetwork()
    with pytest.raises(FileNotFoundError, match="MATTEBOX_SHARED"):
        load_published(network, tmp_path / "none.onnx")
    helper = onnx.helper
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [value])
    path = tmp_path / "other.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(ValueError, match="not MediaPipe"):
        load_published(network, path)
