"""``mattebox model add pose``: a pip that is none, and the published file where it is at hand."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.cli import main as cli
from appliance.errors import InputError, ModelError
from appliance.networks.choose import load_matting
from appliance.networks.folders import data_folder
from appliance.networks.manifest import load_manifest
from appliance.networks.pose import PoseNetwork, load_pose
from appliance.tools.importers import add, blazepose, pose
from appliance.tools.importers.add import ImportOptions
from appliance.tools.importers.base import Release
from tests.tools.importers.tflite_file import Made, tiny_selfie

pytestmark = pytest.mark.usefixtures("data_here")

pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")


def told(*_: str) -> None:
    """Nobody listens."""


def tiny_pose(side: int = 32) -> bytes:
    """A network of a pose's shape: the mean of the picture, times a number for each output."""
    rng = np.random.default_rng(6)
    made = Made()
    made.inputs = [made.computed("input_1", 1, side, side, 3)]
    axes = made.constant("axes", np.asarray([1, 2], np.int32))
    mean = made.run("MEAN", ["input_1", axes], made.computed("mean", 1, 1, 1, 3), b0=1)
    made.outputs = []
    for n, count in enumerate((195, 1, 117)):
        kernel = made.constant(f"k{n}", rng.normal(0, 1, (count, 1, 1, 3)).astype(np.float32))
        many = made.run(
            "CONV_2D", [mean, kernel], made.computed(f"c{n}", 1, 1, 1, count), b0=1, i1=1, i2=1
        )
        shape = made.constant(f"s{n}", np.asarray([1, count], np.int32))
        out = made.computed(f"Identity_{n}" if n else "Identity", 1, count)
        made.outputs.append(made.run("RESHAPE", [many, shape], out))
    return made.file()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a tiny network, which is the expected one for the time being."""
    data = tiny_pose()
    release = Release(
        "tiny", pose.NETWORK.file, hashlib.sha256(data).hexdigest(), len(data), "a test"
    )
    monkeypatch.setattr(pose, "NETWORK", release)
    importer = replace(blazepose.IMPORTER, releases=(release,))
    monkeypatch.setattr(add, "IMPORTERS", (importer,))
    path = tmp_path / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(f"mediapipe/modules/pose_landmark/{release.file}", data)
    return path


def test_out_of_a_wheel(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "add", "pose", "--from", str(wheel)]) == 0
    assert "puppet://still.png?drive=clip.mp4" in capsys.readouterr().err
    manifest, model = load_manifest(data_folder() / "pose" / "manifest.yaml", task="pose")
    assert manifest.task == "pose"
    assert "Apache-2.0" in manifest.licence
    assert "by Google, Apache-2.0" in (model.parent / "README.md").read_text()
    points, present = load_pose().infer()
    assert points.shape == (39, 5)
    assert isinstance(present, float)


def test_fetched_by_pip(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(requirement: str, folder: Path, tell: object) -> Path:
        asked.append(requirement)
        return wheel

    monkeypatch.setattr(pose, "fetch_wheel", fetch)
    lines = pose.add_pose(ImportOptions("pose", None), told)
    assert asked == ["mediapipe==0.10.21"]
    assert "licence: Apache-2.0" in lines


def test_what_is_there_stays_unless_replaced(wheel: Path) -> None:
    pose.add_pose(ImportOptions("pose", wheel), told)
    with pytest.raises(InputError, match="is there already"):
        pose.add_pose(ImportOptions("pose", wheel), told)
    pose.add_pose(ImportOptions("pose", wheel, replace=True), told)


def test_another_network_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "selfie.tflite"
    file.write_bytes(tiny_selfie(64, 64))
    with pytest.raises((InputError, ModelError), match="as pose"):
        pose.add_pose(ImportOptions("pose", file), told)
    assert not (data_folder() / "pose").exists()


def test_a_matting_network_is_no_pose_network_nor_the_reverse(wheel: Path) -> None:
    from appliance.config.settings import MattingSettings
    from appliance.networks.folders import SHIPPED

    with pytest.raises(ModelError, match=r"portrait: its task is alpha, expected pose"):
        PoseNetwork(*load_manifest(SHIPPED / "portrait" / "manifest.yaml"))
    pose.add_pose(ImportOptions("pose", wheel), told)
    with pytest.raises(ModelError):
        load_matting(MattingSettings(model="pose", runtime="onnxruntime", threads=1))


def test_a_graph_of_other_shapes_is_refused_when_loaded(wheel: Path) -> None:
    pose.add_pose(ImportOptions("pose", wheel), told)
    path = data_folder() / "pose" / "manifest.yaml"
    path.write_text(path.read_text().replace("name: Identity\n", "name: Identity_1\n"))
    with pytest.raises(ModelError, match=r"add it anew: mattebox model add pose --replace"):
        load_pose()


@pytest.mark.shared
def test_the_published_file(shared: Path) -> None:
    lines = pose.add_pose(
        ImportOptions("pose", shared / "models" / "pose_landmark_lite.tflite"), told
    )
    assert any("known release: MediaPipe pose landmarks, lite" in line for line in lines)
    assert load_pose().manifest.input.width == 256
