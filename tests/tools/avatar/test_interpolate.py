"""Frames between two persons."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from appliance.media.frame import Colour
from appliance.networks.between import BetweenNetwork
from appliance.networks.folders import data_folder
from appliance.networks.manifest import Manifest
from appliance.tools.avatar import judge
from appliance.tools.avatar.interpolate import DisMotion, RifeMotion, best_motion, between
from appliance.tools.avatar.person import Planes
from appliance.tools.importers.place import put_in_place
from appliance.tools.importers.rife import _fields
from appliance.tools.importers.rife_graph import build_rife
from tests.tools.avatar.moving import disc, middle
from tests.tools.importers.torch_weights import tiny_rife

pytestmark = pytest.mark.usefixtures("data_here")


def rife(bias: list[float], width: int = 64, height: int = 64) -> onnx.ModelProto:
    """RIFE that always finds this motion, in its cells, and this share (before the sigmoid)."""
    weights = tiny_rife()
    weights["module.block3.lastconv.bias"] = np.array(
        [*np.array(bias[:4]) / 2, bias[4]], np.float32
    )
    return build_rife(weights, width, height)


def network(tmp_path: Path, graph: onnx.ModelProto) -> BetweenNetwork:
    path = tmp_path / "model.onnx"
    onnx.save(graph, path)
    return BetweenNetwork(Manifest.model_validate(_fields(64, 64)), path, threads=1)


def added(graph: onnx.ModelProto) -> None:
    put_in_place(graph, _fields(64, 64), data_folder() / "rife", "a card")


@pytest.mark.parametrize("at", [0.25, 0.5, 0.75])
def test_flow_moves_the_person_in_time(at: float) -> None:
    made = between(disc(56), disc(64), Colour(), at, DisMotion())
    assert middle(made) == pytest.approx(56 + 8 * at, abs=0.6)
    assert judge.sharpness([disc(56), made, disc(64)]) > 0.8


def test_colours_are_not_darkened_at_the_edge() -> None:
    made = between(disc(56), disc(60), Colour(), 0.5, DisMotion())
    some = made.alpha[::2, ::2] > 40
    assert np.abs(made.uv[some].astype(int) - (110, 150)).max() <= 2
    assert made.y[made.alpha > 40].min() > 50


def test_a_network_moves_full_pictures_by_its_motion(tmp_path: Path) -> None:
    """Two cells of 64 across are four pixels of 128: so far left is the first."""
    motion = RifeMotion(network(tmp_path, rife([-2, 0, 2, 0, 0])), "x")
    made = between(disc(56), disc(64), Colour(), 0.5, motion)
    assert middle(made) == pytest.approx(60, abs=0.3)
    inside = disc(60).alpha == 255
    assert np.abs(made.y.astype(int) - disc(60).y)[inside].mean() < 1


def test_the_share_says_whose_picture_it_is(tmp_path: Path) -> None:
    motion = RifeMotion(network(tmp_path, rife([0, 0, 0, 0, 12])), "x")
    made = between(disc(40), disc(80), Colour(), 0.5, motion)
    assert np.abs(made.alpha.astype(int) - disc(40).alpha).max() <= 1


def test_fine_structure_is_not_averaged(tmp_path: Path) -> None:
    """Two pictures of the same with noise of their own: the mean has less of it than either."""
    rng = np.random.default_rng(1)
    ends = []
    for _ in range(2):
        person = disc(60)
        noisy = np.clip(person.y + rng.normal(0, 8, person.y.shape), 0, 255).astype(np.uint8)
        ends.append(Planes(noisy, person.uv, person.alpha))
    made = between(*ends, Colour(), 0.3, DisMotion())
    mean = Planes(ends[0].y // 2 + ends[1].y // 2, made.uv, made.alpha)
    assert judge.sharpness([ends[0], made, ends[1]]) > judge.sharpness([ends[0], mean, ends[1]])


def test_without_rife_flow_serves() -> None:
    motion, advice = best_motion(1)
    assert motion.method == "dis"
    assert "mattebox model add rife" in advice


def test_with_rife() -> None:
    added(rife([0, 0, 0, 0, 0]))
    motion, advice = best_motion(1)
    assert (motion.method, advice) == ("rife", "")
    digest = hashlib.sha256((data_folder() / "rife" / "model.onnx").read_bytes()).hexdigest()
    assert digest.startswith(motion.digest)


def test_rife_of_an_older_version() -> None:
    graph = rife([0, 0, 0, 0, 0])
    del graph.graph.output[1:]
    added(graph)
    motion, advice = best_motion(1)
    assert motion.method == "dis"
    assert "older mattebox" in advice
