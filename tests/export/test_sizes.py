"""The same network with smaller and upright inputs: the same weights, and it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from appliance.errors import ModelError
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.networks.sizes import load_sizes
from export.sizes import shrink, smaller_size, turn, write_sizes
from tests.networks.bright import bright_network


def weights(model: Path) -> dict[str, np.ndarray]:
    """Every constant of a graph by name."""
    graph = onnx.load(model).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("portrait", "portrait-small"),
        ("portrait", "portrait-upright"),
        ("portrait-small", "portrait-small-upright"),
    ],
)
def test_the_shipped_sizes_are_the_shipped_network(root: Path, name: str, other: str) -> None:
    manifest, model = load_manifest(root / "engines" / name / "manifest.yaml")
    found, found_model = load_manifest(root / "engines" / other / "manifest.yaml")
    width, height = manifest.input.width, manifest.input.height
    upright = other.endswith("upright")
    assert upright or manifest.smaller == other
    size = (height, width) if upright else smaller_size(width, height)
    assert (found.input.width, found.input.height) == size
    ours, theirs = weights(model), weights(found_model)
    assert ours.keys() == theirs.keys()
    for constant, value in ours.items():
        assert np.array_equal(value, theirs[constant]), (
            f"{constant} differs: python -m export.sizes engines/portrait makes all sizes anew"
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


def test_all_sizes_name_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "bright"
    named = {"model": "model.onnx", "upright": "bright-upright"}
    bright_network(folder, width=256, height=144, manifest=named)
    made = write_sizes(folder)
    names = ["bright-small", "bright-upright", "bright-small-upright"]
    assert [path.parent.name for path in made] == names
    matting = load_sizes(folder / "manifest.yaml", 1)
    small = matting.smaller
    assert matting.upright is not None
    assert small is not None
    assert small.upright is not None
    sizes = [one.input.shape[1:] for one in (matting, matting.upright, small, small.upright)]
    assert sizes == [(144, 256), (256, 144), (96, 176), (176, 96)]
    for one in (matting.upright, small.upright):
        one.input[:] = 1
        assert one.infer().shape == one.input.shape[1:]
        assert (one.manifest.smaller, one.manifest.upright) == ("", "")
    assert small.upright.manifest.title.count("at ") == 1


def test_an_upright_one_that_was_not_used_is_made_and_not_named(tmp_path: Path) -> None:
    folder = tmp_path / "bright"
    bright_network(folder, width=256, height=144)
    assert len(write_sizes(folder)) == 3
    for name in ("bright", "bright-small"):
        assert load_manifest(tmp_path / name / "manifest.yaml")[0].upright == ""


def test_what_is_upright_already_is_not_turned(tmp_path: Path) -> None:
    folder = tmp_path / "bright"
    bright_network(folder, width=144, height=256)
    assert [path.parent.name for path in write_sizes(folder)] == ["bright-small"]
    assert load_manifest(folder / "manifest.yaml")[0].upright == ""


def test_again_gives_the_same(tmp_path: Path) -> None:
    folder, out = tmp_path / "bright", tmp_path / "bright-small"
    bright_network(folder, width=256, height=144)
    turn(folder, tmp_path / "bright-upright")
    first = shrink(folder, out).read_bytes()
    manifest = (folder / "manifest.yaml").read_bytes()
    assert shrink(folder, out).read_bytes() == first
    turn(folder, tmp_path / "bright-upright")
    assert (folder / "manifest.yaml").read_bytes() == manifest


def test_a_network_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        shrink(tmp_path / "none", tmp_path / "none-small")
