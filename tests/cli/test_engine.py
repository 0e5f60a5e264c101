"""``mattebox engine`` as a user sees it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import main as cli
from appliance.networks.manifest import Manifest, load_manifest
from appliance.networks.plans import flavour
from appliance.networks.plans.sidecar import read_sidecar
from appliance.networks.plans.verify import Runner
from appliance.tools.engine import build, show
from appliance.tools.engine.build import BuildOptions
from tests.networks.bright import bright_network

pytestmark = pytest.mark.usefixtures("data_here")


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
    assert engine("show", bright) == 2
    assert "has no TensorRT plan yet; build one" in capsys.readouterr().err


JETSON = Runner("tensorrt", "10.3.0", "sm87", "linux-aarch64")
PC = Runner("tensorrt_rtx", "1.7.1", "sm86", "linux-x86_64")
NO_GPU = Runner("tensorrt", "10.3.0", None, "linux-aarch64")
NO_TENSORRT = Runner(None, None, "sm87", "linux-aarch64")
STALE = {"onnx_sha256": "0" * 64}
REBUILD = "build one: mattebox engine build bright"


@pytest.mark.parametrize(
    ("runner", "plan", "code", "words"),
    [
        (JETSON, {}, 0, "whole, as its sidecar says"),
        (JETSON, None, 1, REBUILD),
        (JETSON, STALE, 1, "was built from another ONNX file"),
        (JETSON, {"version": "10.13.3"}, 1, "here is 10.3.0; build it anew"),
        # A plan for another machine is not this one's problem; having none of its own is.
        (PC, {}, 1, "whole; for another machine (sm87, tensorrt, linux-aarch64)"),
        (PC, {}, 1, f"for this machine (sm86, tensorrt_rtx 1.7.1, linux-x86_64); {REBUILD}"),
        # Where no plan could be run, none is missing.
        (NO_GPU, None, 0, "has no TensorRT plan, and needs none: no GPU here"),
        (NO_GPU, {}, 0, "no GPU here, so that nothing could be run"),
        (NO_GPU, STALE, 1, "was built from another ONNX file"),
        (NO_TENSORRT, None, 0, "needs none: no TensorRT here"),
        (Runner(platform="linux-x86_64"), {}, 0, "whole; for another machine"),
    ],
)
def test_verify_says_whether_this_machine_has_what_it_needs(
    bright: Path,
    write_plan: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    runner: Runner,
    plan: dict[str, str] | None,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(show, "this_runner", lambda: runner)
    if plan is not None:
        write_plan(*load_manifest(bright / "manifest.yaml"), **plan)
    assert engine("verify", bright) == code
    assert words in capsys.readouterr().out


def test_one_plan_that_may_be_used_is_enough(
    bright: Path,
    write_plan: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Next to it lie one for another machine and a damaged one."""
    monkeypatch.setattr(show, "this_runner", lambda: JETSON)
    network = load_manifest(bright / "manifest.yaml")
    usable = write_plan(*network)
    for number, change in enumerate(({"target": "sm72"}, {"plan_sha256": "0" * 64})):
        other = read_sidecar(usable).model_copy(update=change)
        usable.with_name(f"{number}.json").write_text(other.model_dump_json())
    assert engine("verify", bright) == 0
    out = capsys.readouterr().out
    assert "for another machine (sm72" in out
    assert "executable code, so this one is refused" in out
    monkeypatch.setenv("COLUMNS", "200")
    assert engine("list", bright) == 0
    out = capsys.readouterr().out
    for words in ("yes", "no: for another machine", "no: see mattebox engine verify bright"):
        assert words in out
    usable.unlink()
    assert engine("verify", bright) == 1


def test_a_plan_of_elsewhere_is_listed_and_shown(
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
        assert "no GPU here, so that nothing could be run" in out
    bright_network(bright, width=128)
    assert engine("verify", bright) == 1
    out = capsys.readouterr().out
    assert "was built from another ONNX file" in out
    assert "build it anew: mattebox engine build bright" in out


@pytest.fixture
def turned(bright: Path) -> Path:
    """The upright one, which the network's manifest names."""
    bright_network(bright, manifest={"upright": "turned"})
    other = {"name": "turned"}
    return bright_network(bright.parent / "turned", width=36, height=64, manifest=other).parent


def test_the_upright_one_is_needed_too(
    bright: Path,
    turned: Path,
    write_plan: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(show, "this_runner", lambda: JETSON)
    write_plan(*load_manifest(bright / "manifest.yaml"))
    assert engine("verify", bright) == 1
    assert "turned has no TensorRT plan for this machine" in capsys.readouterr().out
    write_plan(*load_manifest(turned / "manifest.yaml"))
    assert engine("verify", bright) == 0
    assert engine("list", bright) == 0
    assert "turned" in capsys.readouterr().out


def test_both_are_built(
    bright: Path, turned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def built(manifest: Manifest, model: Path, wish: BuildOptions, **_: object) -> Path:
        return Path(f"{model.parent.name}-{wish.target}")

    monkeypatch.setattr(build, "build_engine", built)
    assert engine("build", bright, "--for", "sm86", "--for", "sm89") == 0
    both = ["bright-sm86", "bright-sm89", "turned-sm86", "turned-sm89"]
    assert capsys.readouterr().out.split() == both
    (turned / "manifest.yaml").unlink()
    assert engine("build", bright, "--for", "sm86") == 0
    printed = capsys.readouterr()
    assert printed.out.split()[-1] == "bright-sm86"
    assert "its usual one serves upright people, too" in printed.out + printed.err


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
