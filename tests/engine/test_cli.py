"""``mattebox engine`` as a user meets it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance import cli
from appliance.engine import flavour
from appliance.engine.sidecar import read_sidecar
from appliance.matting.manifest import load_manifest
from tests.networks import bright_network


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    """A network's folder."""
    return bright_network(tmp_path / "bright").parent


def engine(*arguments: str | Path) -> int:
    return cli.main(["engine", *map(str, arguments)])


def test_without_tensorrt(
    bright: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flavour, "installed", lambda: ())
    assert engine("build", bright) == 1
    assert "on a Jetson it comes with JetPack" in capsys.readouterr().err


def test_nothing_built_yet(bright: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert engine("list", bright) == 0
    assert "no plans yet; build one: mattebox engine build" in capsys.readouterr().out
    for action in ("show", "verify"):
        assert engine(action, bright) == 2
        assert "has no TensorRT plan yet; build one" in capsys.readouterr().err


def test_a_plan_of_elsewhere_is_listed_shown_and_not_verified(
    bright: Path, write_plan: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plan(*load_manifest(bright / "manifest.yaml"))
    assert engine("list", bright) == 0
    out = capsys.readouterr().out
    assert "sm87" in out
    assert "fp16" in out
    assert engine("show", bright) == 0
    out = capsys.readouterr().out
    for word in ("tensorrt 10.3.0 for sm87, linux-aarch64", "1x3x36x64", "passed: mean", "SHA-256"):
        assert word in out
    assert engine("verify", bright) == 1
    assert "here is" in capsys.readouterr().out


def test_build_show_verify_and_a_changed_network(
    builder: str, bright: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")
    import skimage

    frames = tmp_path / "astronaut.png"
    shutil.copy(Path(skimage.__file__).parent / "data" / "astronaut.png", frames)
    code = engine("build", bright, "--for", "sm86", "--for", "SM89", "--frames", frames)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    paths = [Path(line) for line in printed.out.split()]
    assert [read_sidecar(path).target for path in paths] == ["sm86", "sm89"]
    assert "fp16 against fp32: mean" in printed.err
    assert "building the engine" in printed.err
    if flavour.this_gpu() is None:
        assert engine("verify", bright) == 0
        out = capsys.readouterr().out
        assert "whole, as its sidecar says" in out
        assert "no GPU here: compute capability not checked, nothing run" in out
    bright_network(bright, width=128)
    assert engine("verify", bright) == 1
    out = capsys.readouterr().out
    assert "was built from another ONNX file" in out
    assert "build it anew: mattebox engine build bright" in out


def test_frames_that_are_not_there(
    builder: str, bright: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")
    for frames, words in (
        (tmp_path / "none.mp4", "there is no such file; name a video"),
        (tmp_path, "no pictures in it"),
        (bright / "manifest.yaml", "not a video that can be read"),
    ):
        assert engine("build", bright, "--for", "sm86", "--frames", frames) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["build", "--memory", "0"], ["build", "--precision", "fp8"], ["rebuild"], []],
)
def test_what_is_no_command(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        engine(*arguments)
    assert caught.value.code == 2
