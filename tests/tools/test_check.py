"""Static checks: files that are not what they should be, and what is said about them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from appliance.config.load import load, load_located
from appliance.config.settings import Settings
from appliance.networks.plans import here
from appliance.networks.plans.flavour import Flavour
from appliance.tools import check
from tests.avatars import make_tiny_avatar
from tests.networks.blender import blending_network
from tests.networks.painter import painting_network


@pytest.fixture
def engines(tmp_path, monkeypatch) -> Path:
    """An engines/ folder with a network named portrait."""
    folder = tmp_path / "engines"
    (folder / "portrait").mkdir(parents=True)
    (folder / "portrait/model.onnx").write_bytes(b"x")
    manifest = {
        "name": "portrait",
        "input": {"name": "in", "width": 64, "height": 64},
        "output": {"name": "out"},
    }
    (folder / "portrait/manifest.yaml").write_text(yaml.safe_dump(manifest))
    monkeypatch.setattr(check, "model_folders", lambda: (folder,))
    return folder


def found(*overrides: tuple[str, str]) -> list[str]:
    return [str(m) for m in check.mistakes(load_located(None, overrides=overrides))]


def test_the_defaults_name_nothing_that_is_missing(engines):
    assert found() == []


def test_cameras_and_streams_are_not_opened(engines):
    for uri in ("v4l2:///dev/video99", "rtsp://192.0.2.1/x", "csi://0", "test://smpte"):
        assert found(("source.uri", uri)) == []


def make(path: Path, kind: str) -> None:
    match kind:
        case "a directory":
            path.mkdir()
        case "a FIFO":
            os.mkfifo(path)
        case "empty":
            path.touch()
        case "a dangling link":
            path.symlink_to(path.parent / "gone")
        case "a loop":
            path.symlink_to(path)


UNREADABLE = {
    "a directory": "is a directory; expected a file",
    "a FIFO": "is a FIFO; expected a file",
    "empty": "is empty (0 bytes); name a file with something in it",
    "a dangling link": "cannot be read (No such file or directory); name a file that is there",
    "a loop": "cannot be read (Too many levels of symbolic links); name a file that is there",
}


@pytest.mark.parametrize("key", ["source.uri", "background.uri"])
@pytest.mark.parametrize(("kind", "words"), UNREADABLE.items())
def test_what_cannot_be_read(engines, tmp_path, key, kind, words):
    path = tmp_path / "thing"
    make(path, kind)
    folder_of_pictures = (key, kind) == ("source.uri", "a directory")
    expected = [] if folder_of_pictures else [f"--set {key}: {path}: {words}"]
    assert found((key, str(path))) == expected


def test_a_file_address_is_checked_too(engines, tmp_path):
    (tmp_path / "a b.mp4").write_bytes(b"x")
    assert found(("source.uri", f"file://{tmp_path}/a%20b.mp4")) == []
    assert len(found(("source.uri", f"file://{tmp_path}/gone.mp4"))) == 1


def test_an_avatar_is_opened(engines, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    folder = make_tiny_avatar(tmp_path / "mattebox/avatars/anna")
    assert found(("source.uri", "avatar://anna")) == []
    (mistake,) = found(("source.uri", "avatar://nobody"))
    assert "source.uri" in mistake
    assert "there are: anna" in mistake
    (folder / "wave.clip").unlink()
    (mistake,) = found(("source.uri", "avatar://anna"))
    assert "wave.clip: the clip cannot be read" in mistake


def test_a_look_is_read_to_its_end(engines, tmp_path):
    path = tmp_path / "mine.cube"
    path.write_text("LUT_3D_SIZE 2\n0 0 0\n")
    style = (("stages.style.look", str(path)), ("stages.style.enabled", "true"))
    assert found(style[0]) == [], "it is off"
    said = f"look '{path}', line 2: the file ends after 1 of 8 rows; it was cut off"
    assert found(*style) == [f"--set stages.style.look: {said}"]
    assert "none of the shipped ones" in found(("stages.style.look", "no"), style[1])[0]
    assert found(("stages.style.look", "monochrome"), style[1]) == []


def test_a_puppet_wants_both_files_and_its_network(engines, tmp_path):
    for name in ("a.png", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    whole = f"puppet://{tmp_path}/a.png?drive={tmp_path}/b.mp4"
    (line,) = found(("source.uri", whole))
    assert line == (
        "--set source.uri: puppet:// needs the network pose, which is not installed; get it with: "
        "mattebox model add pose"
    )
    (engines / "pose").mkdir()
    (engines / "pose" / "manifest.yaml").write_text("name: pose")
    (line,) = found(("source.uri", whole))
    assert line.endswith("puppet:// needs it; get it with: mattebox model add pose --replace")
    blending_network(engines / "pose", task="pose")
    assert found(("source.uri", whole)) == []
    (engines / "pose" / "manifest.yaml").unlink()
    lines = found(("source.uri", f"puppet://{tmp_path}/no.png?drive={tmp_path}/no.mp4"))
    assert len(lines) == 3
    assert f"{tmp_path}/no.png: cannot be read" in lines[0]
    assert f"{tmp_path}/no.mp4: cannot be read" in lines[1]


def test_what_cannot_be_written(engines, tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "old.mp4").write_bytes(b"x")
    for name, words in {
        "none/out.mp4": f"the folder {tmp_path}/none is not there; make it, or name another",
        "folder.mp4": "is a directory; name a file",
        "fifo.mp4": "is there and is not a plain file; name another",
    }.items():
        assert found(("outputs.0.uri", f"{tmp_path}/{name}")) == [
            f"--set outputs.0.uri: {tmp_path}/{name}: {words}"
        ]
    for name in ("new.mp4", "old.mp4"):
        assert found(("outputs.0.uri", f"{tmp_path}/{name}")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_permissions(engines, tmp_path):
    path = tmp_path / "locked.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    assert "may not be read" in found(("source.uri", str(path)))[0]
    tmp_path.chmod(0o500)
    assert "may not write in" in found(("outputs.0.uri", str(path)))[0]


def test_a_model_that_is_not_there_names_those_that_are(engines):
    [line] = found(("matting.model", "landscape"))
    assert "no model named 'landscape'" in line
    assert "known: portrait" in line


def test_a_model_whose_file_is_empty(engines):
    (engines / "portrait/model.onnx").write_bytes(b"")
    [line] = found()
    assert line.startswith("the default: matting.model:")
    assert "is empty" in line


def test_networks_for_another_task(engines, tmp_path):
    painter = painting_network(tmp_path / "painter")
    [said] = found(("matting.model", str(painter)))
    assert "task: found picture" in said
    style = (("stages.style.enabled", "true"), ("stages.style.look", "none"))
    assert found(*style, ("stages.style.model", str(painter))) == []
    [said] = found(*style, ("stages.style.model", "no"))
    assert said.startswith("--set stages.style.model: no model named 'no'")
    makes = ("stages.interpolate.enabled", "true")
    blender = blending_network(tmp_path / "blender")
    assert found(makes, ("stages.interpolate.model", str(blender))) == []
    [said] = found(makes, ("stages.interpolate.model", str(painter)))
    assert said.startswith("--set stages.interpolate.model: ")
    assert "task: found picture" in said


def test_tensorrt_insisted_on_wants_a_plan(engines, monkeypatch):
    wish = ("matting.runtime", "tensorrt")
    monkeypatch.setattr(here, "this_gpu", lambda: "sm87")
    monkeypatch.setattr(here, "load_flavour", lambda: Flavour("tensorrt", "10.3.0", None))
    assert found(wish) == [
        "--set matting.runtime: tensorrt cannot run here: portrait has no "
        "TensorRT plan yet; build one: mattebox engine build portrait; or let auto choose"
    ]
    assert found() == []
    monkeypatch.setattr(here, "this_gpu", lambda: None)
    [line] = found(wish)
    assert "see nvidia-smi" in line


SCENES = """\
background: {uri: colour:#102030}
scenes:
  - name: office
    settings: {background: {uri: office.png}}
  - name: mist
    settings:
      stages:
        style: {look: mist.cube}
  - name: misty
    settings: {stages: {style: {enabled: true, look: mist.cube}}}
"""


def test_a_scene_is_looked_at_by_check_and_where_it_is_the_one_to_start_with(engines, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SCENES)
    loaded = load_located(path)
    assert check.mistakes(loaded) == [], "another scene's picture keeps nothing from starting"
    office, misty = map(str, check.mistakes(loaded, every_scene=True))
    assert office.startswith(f"{path}:4:34: scenes.0.settings.background.uri: ")
    assert "office.png: cannot be read (No such file" in office
    assert f"{path}:10:54: scenes.2.settings.stages.style.look: " in misty
    path.write_text(f"scene: office\n{SCENES}")
    [only] = map(str, check.mistakes(load_located(path)))
    assert "scenes.0.settings.background.uri" in only
    assert "scene       office, to start with" in check.summary(load(path))


def test_the_summary_hides_passwords():
    settings = load(None, overrides=[("source.uri", "rtsp://me:secret@camera/x")])
    assert "secret" not in "\n".join(check.summary(settings))
    assert any("rtsp://127.0.0.1:8554/live" in line for line in check.summary(Settings()))
