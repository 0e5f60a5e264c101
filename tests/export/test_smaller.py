"""The same network with a smaller input: the same weights, and it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from appliance.errors import ModelError
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from export.smaller import shrink, smaller_size, turn
from tests.networks.bright import bright_network


def weights(model: Path) -> dict[str, np.ndarray]:
    """Every constant of a graph by name."""
    graph = onnx.load(model).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def test_the_shipped_small_network_is_the_shipped_network(root: Path) -> None:
    manifest, model = load_manifest(root / "engines/portrait/manifest.yaml")
    assert manifest.smaller, "engines/portrait/manifest.yaml names no smaller network"
    small, small_model = load_manifest(root / "engines" / manifest.smaller / "manifest.yaml")
    assert (small.input.width, small.input.height) == smaller_size(
        manifest.input.width, manifest.input.height
    )
    ours, theirs = weights(model), weights(small_model)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert np.array_equal(value, theirs[name]), (
            f"{name} differs: make the smaller one anew, from export.smaller import shrink"
        )


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_ends_and_states_get_the_smaller_size(tmp_path: Path, layout: str, recurrent: bool) -> None:
    folder = tmp_path / "bright"
    bright_network(folder, layout=layout, width=256, height=144, recurrent=recurrent)
    shrink(folder, tmp_path / "bright-small")
    manifest, _ = load_manifest(folder / "manifest.yaml")
    assert manifest.smaller == "bright-small"
    small = OnnxRuntimeMatting(*load_manifest(tmp_path / "bright-small" / "manifest.yaml"))
    assert small.manifest.smaller == ""
    assert small.input.shape == (3, 96, 176)
    small.input[:] = 1
    for _ in range(3):
        assert small.infer().shape == (96, 176)


def test_turned_for_upright_people(tmp_path: Path) -> None:
    folder = tmp_path / "bright"
    bright_network(folder, width=256, height=144)
    before = (folder / "manifest.yaml").read_bytes()
    turn(folder, tmp_path / "bright-upright")
    upright = OnnxRuntimeMatting(*load_manifest(tmp_path / "bright-upright" / "manifest.yaml"))
    assert upright.input.shape == (3, 256, 144)
    upright.input[:] = 1
    assert upright.infer().shape == (256, 144)
    assert (folder / "manifest.yaml").read_bytes() == before


def test_again_gives_the_same(tmp_path: Path) -> None:
    folder, out = tmp_path / "bright", tmp_path / "bright-small"
    bright_network(folder, width=256, height=144)
    first = shrink(folder, out).read_bytes()
    manifest = (folder / "manifest.yaml").read_bytes()
    assert shrink(folder, out).read_bytes() == first
    assert (folder / "manifest.yaml").read_bytes() == manifest


def test_a_network_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        shrink(tmp_path / "none", tmp_path / "none-small")
