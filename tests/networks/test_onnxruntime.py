"""ONNX Runtime matting: any portrait network by its manifest, and clear words otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import MattingSettings
from appliance.errors import MattingError, ModelError
from appliance.networks.choose import load_matting
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting, choose_threads
from tests.networks.bright import HEIGHT, WIDTH, bright_network


def load(path: Path) -> OnnxRuntimeMatting:
    """A network by its manifest."""
    return OnnxRuntimeMatting(*load_manifest(path), threads=1)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channels", [1, 2])
def test_runs_any_layout_and_activation(tmp_path: Path, layout: str, channels: int) -> None:
    matting = load(bright_network(tmp_path, layout=layout, channels=channels))
    assert matting.input.shape == (3, HEIGHT, WIDTH)
    matting.input[:] = 0
    matting.input[:, :, WIDTH // 2 :] = 1
    alpha = matting.infer()
    assert alpha.shape == (HEIGHT, WIDTH)
    assert alpha.dtype == np.float32
    assert alpha[:, : WIDTH // 2].max() < 0.01
    assert alpha[:, WIDTH // 2 :].min() > 0.99


def test_recurrent_state_is_carried_set_aside_and_reset(tmp_path: Path) -> None:
    matting = load(bright_network(tmp_path, recurrent=True))
    matting.input[:] = 1
    assert matting.infer().mean() == pytest.approx(0.5)
    # A look aside knows nothing of the frames before, and leaves nothing behind.
    assert matting.infer(remember=False).mean() == pytest.approx(0.5)
    matting.input[:] = 0
    assert matting.infer(remember=False).mean() == pytest.approx(0.0, abs=0.01)
    matting.input[:] = 1
    assert matting.infer().mean() == pytest.approx(1.0)
    matting.reset()
    assert matting.infer().mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": {"name": "picture"}}, "no input 'picture'.*it has: image"),
        ({"input": {"width": 96}}, r"shape \[1, 3, 36, 64\], its manifest says \[1, 3, 36, 96\]"),
        ({"input": {"layout": "NHWC"}}, "its manifest says"),
        ({"output": {"name": "matte"}}, "no output 'matte'.*it has: alpha"),
        ({"output": {"layout": "NHWC"}}, "height"),
        ({"output": {"channel": 3}}, "asks for channel 3"),
        ({"state": [{"input": "r1", "output": "r1o", "shape": [1]}]}, "no input 'r1'"),
        ({"model": "../model.onnx"}, "inside the manifest's own folder"),
        ({"model": "other.onnx"}, "other.onnx is not there"),
        ({"colour": "red"}, "colour"),
        ({"input": {"scale": [float("nan"), 1, 1]}}, "input.scale"),
        ({"input": {"width": "wide"}}, "input.width.*'wide'"),
    ],
)  # fmt: skip
def test_says_where_graph_and_manifest_differ(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = bright_network(tmp_path, manifest=change)
    with pytest.raises(ModelError, match=message):
        load(path)


def test_an_input_that_the_manifest_does_not_know(tmp_path: Path) -> None:
    path = bright_network(tmp_path, recurrent=True, manifest={"state": []})
    with pytest.raises(ModelError, match=r"before are not in the manifest; .*under state:"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x07" + b"\xff" * 500])
def test_a_file_that_is_not_onnx(tmp_path: Path, content: bytes) -> None:
    path = bright_network(tmp_path)
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx: ONNX Runtime cannot load it"):
        load(path)


@pytest.mark.parametrize("text", ["", "- a", "name: [", "name: x", "\x00"])
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.yaml"):
        load_manifest(path)


def test_a_network_that_throws_is_a_matting_error(tmp_path: Path) -> None:
    matting = load(bright_network(tmp_path))
    matting._tensor = matting._tensor[:, :, :10]
    with pytest.raises(MattingError, match="bright: ONNX Runtime failed"):
        matting.infer()


def test_finding_by_name_folder_or_path(tmp_path: Path) -> None:
    path = bright_network(tmp_path / "engines" / "bright")
    folders = (tmp_path / "engines",)
    for name in ("bright", str(path), str(path.parent)):
        assert find_manifest(name, folders) == path
    with pytest.raises(ModelError, match=r"no model named 'dark'.*known: bright"):
        find_manifest("dark", folders)
    matting = load_matting(MattingSettings(model=str(path), threads=1))
    assert "bright on ONNX Runtime" in matting.description


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 2), (8, 4), (64, 4)])
def test_threads_leave_half_the_machine(cores: int, threads: int) -> None:
    assert choose_threads(cores) == threads


def test_a_foreign_network_by_manifest_alone(shared: Path, tmp_path: Path) -> None:
    """MediaPipe's landscape segmenter: NCHW in, NHWC out."""
    import onnxruntime as ort

    model = shared / "models" / "selfie_segmentation_landscape.onnx"
    options = ort.SessionOptions()
    options.log_severity_level = 3
    name = ort.InferenceSession(str(model), options).get_outputs()[0].name
    (tmp_path / "model.onnx").symlink_to(model)
    (tmp_path / "manifest.yaml").write_text(
        "name: selfie\ninput: {name: input_1, width: 256, height: 144}\n"
        f"output: {{name: '{name}', layout: NHWC}}\n"
    )
    matting = load(tmp_path / "manifest.yaml")
    matting.input[:] = 0.5
    alpha = matting.infer()
    assert alpha.shape == (144, 256)
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_onnx_runtime_reports_to_nobody(network: Path, tmp_path: Path) -> None:
    """Its telemetry, where there is some, would keep an identity of the machine in the cache."""
    code = (
        "import sys; from pathlib import Path\n"
        "from appliance.networks.manifest import load_manifest\n"
        "from appliance.networks.onnxruntime import OnnxRuntimeMatting\n"
        "OnnxRuntimeMatting(*load_manifest(Path(sys.argv[1]))).infer()"
    )
    folders = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | folders
    subprocess.run(
        [sys.executable, "-c", code, str(network)], env=environment, check=True, timeout=60,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
