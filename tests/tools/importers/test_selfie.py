"""``mattebox model add selfie``: a pip that is none, wheels made here, no network."""

from __future__ import annotations

import hashlib
import sys
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from appliance.cli import main as cli
from appliance.config.settings import MattingSettings
from appliance.errors import FetchError, InputError, StorageError
from appliance.networks.choose import load_matting
from appliance.networks.folders import data_folder, model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.tools.engine.build import static_graph
from appliance.tools.engine.precision import to_half
from appliance.tools.importers import add, fetch, mediapipe, selfie, wheel
from appliance.tools.importers.base import Release
from tests.tools.importers.tflite_file import tiny_selfie

pytestmark = pytest.mark.usefixtures("data_here")

pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")

INSIDE = "mediapipe/modules/selfie_segmentation"


@dataclass
class Published:
    """Tiny stand-ins for the two files, and a wheel that has them."""

    general: Path
    landscape: Path
    wheel: Path


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    folder = tmp_path / "published"
    folder.mkdir()
    releases = {}
    files = []
    for name, (rows, columns) in (
        ("selfie-general", (256, 256)), ("selfie-landscape", (144, 256)),
    ):  # fmt: skip
        was = selfie.NETWORKS[name]
        data = tiny_selfie(rows, columns)
        (folder / was.file).write_bytes(data)
        files.append(folder / was.file)
        releases[name] = Release(
            was.title, was.file, hashlib.sha256(data).hexdigest(), len(data), "a test"
        )
    archive = folder / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mediapipe/__init__.py", "raise SystemExit('nobody runs this')")
        for file in files:
            out.write(file, f"{INSIDE}/{file.name}")
    importer = replace(mediapipe.IMPORTER, releases=tuple(releases.values()))
    monkeypatch.setattr(selfie, "NETWORKS", releases)
    monkeypatch.setattr(mediapipe, "IMPORTER", importer)
    monkeypatch.setattr(add, "IMPORTERS", (importer,))
    return Published(*files, archive)


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Gives ``python -m pip`` another body: a few lines that see ``args``, ``dest``."""

    def instead(body: str) -> Path:
        seen = tmp_path / "seen.txt"
        python = tmp_path / "python"
        python.write_text(
            f"#!{sys.executable}\n"
            "import os, shutil, subprocess, sys, time\n"
            "args = sys.argv[1:]\n"
            "dest = next((a[7:] for a in args if a.startswith('--dest=')), None)\n"
            "seen = '\\n'.join([*args, os.getcwd(), os.environ['TMPDIR']])\n"
            f"open({str(seen)!r}, 'w').write(seen)\n"
            f"{body}\n"
        )
        python.chmod(0o755)
        monkeypatch.setattr(fetch.sys, "executable", str(python))
        return seen

    return instead


def told(*_: str) -> None:
    """Nobody listens."""


def has(name: str) -> bool:
    return (data_folder() / name).exists()


def works(name: str, picture: Path | None = None) -> None:
    """It runs on noise; on a picture of a person it finds one."""
    matting = load_matting(MattingSettings(model=name, runtime="onnxruntime", threads=1))
    spec = matting.manifest.input
    if picture is None:
        matting.input[:] = np.random.default_rng(1).random((3, spec.height, spec.width))
    else:
        rgb = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
        values = (cv2.resize(rgb, (spec.width, spec.height)) - spec.mean) * spec.scale
        matting.input[:] = values.transpose(2, 0, 1)
    alpha = matting.infer()
    assert alpha.shape == (spec.height, spec.width)
    assert 0 <= alpha.min() < alpha.max() <= 1
    if picture is not None:
        assert 0.4 < alpha.mean() < 0.7
        assert alpha[spec.height // 4, spec.width * 45 // 100] > 0.95, "the face"
        assert alpha[: spec.height // 4, -spec.width // 3 :].max() < 0.1, "the wall beside it"


def test_in_one_command(
    published: Published, pip, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen = pip(f"shutil.copy({str(published.wheel)!r}, dest)")
    assert cli.main(["model", "add", "selfie"]) == 0
    said = capsys.readouterr().err
    assert "fetching the wheel of mediapipe 0.10.21 with pip: about 35 MB" in said
    for name, size in (("selfie-general", "256x256"), ("selfie-landscape", "256x144")):
        assert f"{name}: MediaPipe selfie segmentation, {name[7:]}, input {size}" in said
        assert f"run it: mattebox run --model {name}" in said
        assert f"matting: {{model: {name}}}" in said
        works(name)
        manifest, model = load_manifest(find_manifest(name, model_folders()))
        assert manifest.licence == "Apache-2.0"
        assert manifest.input.layout == manifest.output.layout == "NCHW"
        assert INSIDE in manifest.training["source"]
        assert selfie.NETWORKS[name].sha256 in manifest.training["source"]
        assert onnx.load(model).opset_import[0].version == 17
        card = (model.parent / "README.md").read_text()
        assert card.startswith(f"# {name}\n")
        assert "{" not in card
        for word in ("Small people", "Groups", "Empty rooms", "blown-out light", "Edges", "Apache"):
            assert word in card
    assert "better than portrait for: small people" in said
    assert cli.main(["model", "list"]) == 0
    assert "selfie-general     256x256    Apache-2.0     MediaPipe" in capsys.readouterr().out

    *args, cwd, temporary = seen.read_text().splitlines()
    assert args[:2] == ["-m", "pip"]
    for wanted in ("download", "--no-deps", "--only-binary=:all:", "mediapipe==0.10.21"):
        assert wanted in args
    assert any(a.startswith("--platform=") for a in args), "the same on every machine"
    assert any(a.startswith("--python-version=") for a in args)
    assert not any("://" in a for a in args), "which registry, is pip's to know"
    assert cwd == temporary
    assert not Path(cwd).exists(), "nothing is left lying about"


def test_there_already(published: Published, pip, tmp_path: Path) -> None:
    wish = add.ImportOptions("selfie", published.landscape)
    selfie.add_selfie(wish, told)
    seen = pip("sys.exit(1)")
    with pytest.raises(InputError, match="selfie-landscape is there already; say --replace"):
        selfie.add_selfie(add.ImportOptions("selfie", None), told)
    assert not seen.exists(), "before anything is fetched"
    assert not has("selfie-general")
    selfie.add_selfie(add.ImportOptions("selfie", published.wheel, replace=True), told)
    works("selfie-general")


def test_from_what_is_here(published: Published, pip, tmp_path: Path) -> None:
    seen = pip("sys.exit(1)")
    renamed = tmp_path / "theirs.tflite"
    renamed.write_bytes(published.landscape.read_bytes())
    lines = selfie.add_selfie(add.ImportOptions("selfie", renamed), told)
    assert lines[0].startswith("selfie-landscape: ")
    assert not has("selfie-general")
    selfie.add_selfie(add.ImportOptions("selfie", published.wheel, replace=True), told)
    works("selfie-general")
    assert not seen.exists()


def test_a_tflite_file_under_a_name_of_its_own(published: Published) -> None:
    lines = add.add_model(add.ImportOptions("mine", published.general))
    assert "known release: MediaPipe selfie segmentation, general" in lines[1]
    works("mine")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit(f'{sys.argv[0]}: No module named pip')", "has no pip to fetch with; install it"),
        ("print('WARNING: Retrying (Retry(total=4))')\nsys.exit('ERROR: No matching distribution')",
         "could not fetch mediapipe==0.10.21: No matching distribution; is there a network?"),
        ("sys.exit('ERROR: Could not install: [Errno 28] No space left on device')",
         "no room in"),
        ("sys.exit('ERROR: something of its own')", "something of its own; Try again"),
        ("sys.exit(3)", "could not fetch mediapipe==0.10.21: exit code 3"),
        ("", "there is no wheel"),
    ],
)  # fmt: skip
def test_what_cannot_be_fetched(published: Published, pip, body: str, message: str) -> None:
    pip(body)
    with pytest.raises(FetchError) as caught:
        selfie.add_selfie(add.ImportOptions("selfie", None), told)
    assert message in str(caught.value)
    assert isinstance(caught.value, OSError)
    if "no room" not in message:
        assert "--from FILE.whl" in str(caught.value)
    assert not has("selfie-general")


def test_no_python_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.sys, "executable", str(tmp_path / "none"))
    with pytest.raises(FetchError, match="none cannot be started: No such file"):
        fetch.fetch_wheel("a==1", tmp_path, told)


def test_a_deadline_that_ends_pip_and_its_children(tmp_path: Path, pip) -> None:
    """Children too: one that lives on would hold files in a folder that is to go."""
    alive = tmp_path / "alive"
    child = f"import time\nwhile True: open({str(alive)!r}, 'w').close(); time.sleep(0.05)"
    pip(
        f"subprocess.Popen([{sys.executable!r}, '-c', {child!r}])\n"
        "open(os.path.join(dest, 'part'), 'wb').write(bytes(3_000_000))\ntime.sleep(60)"
    )
    lines: list[str] = []
    folder = tmp_path / "folder"
    folder.mkdir()
    begun = time.monotonic()
    with pytest.raises(FetchError, match=r"mediapipe==1 took longer than 2 s; try again"):
        fetch.fetch_wheel("mediapipe==1", folder, lines.append, seconds=2, every=0.2)
    assert time.monotonic() - begun < 10
    assert "still fetching: 3 MB are here" in lines
    alive.unlink(missing_ok=True)
    time.sleep(0.3)
    assert not alive.exists()


def changed(published: Published, tmp_path: Path, **files: bytes) -> Path:
    archive = tmp_path / "other.whl"
    with zipfile.ZipFile(archive, "w") as out:
        for name, data in files.items():
            out.writestr(f"{INSIDE}/{name}.tflite", data)
    return archive


def test_wheels_of_another_content(published: Published, tmp_path: Path) -> None:
    right = published.general.read_bytes()
    size = f"{len(right):,}"
    for data, message in (
        (right[:-1] + b"x", f"has {size} bytes, SHA-256 .*; expected {size} bytes"),
        (right[:-1], f"has {len(right) - 1:,} bytes"),
        (right + bytes(50_000_000), f"has more than {size} bytes"),
    ):
        archive = changed(published, tmp_path, selfie_segmentation=data)
        with pytest.raises(InputError, match=message + r".*fetch mediapipe 0\.10\.21 anew"):
            selfie.add_selfie(add.ImportOptions("selfie", archive), told)
    archive = changed(published, tmp_path, selfie_segmentation=right)
    with pytest.raises(InputError, match=r"has no .*landscape.*expected the wheel of mediapipe 0"):
        selfie.add_selfie(add.ImportOptions("selfie", archive), told)
    assert not has("selfie-general"), "both or none"


def test_wheels_that_are_none(published: Published, tmp_path: Path) -> None:
    whole = published.wheel.read_bytes()
    broken = tmp_path / "broken.whl"
    for data in (b"", b"<html>", *(whole[: len(whole) * n // 20] for n in range(1, 20))):
        broken.write_bytes(data)
        with pytest.raises(InputError, match=r"broken\.whl: not a whole wheel: .* anew"):
            selfie.add_selfie(add.ImportOptions("selfie", broken), told)
    rng = np.random.default_rng(2)
    for _ in range(60):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 3):
            data[at] ^= int(rng.integers(1, 256))
        broken.write_bytes(data)
        try:
            wheel.take_out(broken, INSIDE, selfie.NETWORKS.values(), tmp_path, "mediapipe 0.10.21")
        except InputError:
            continue
    with pytest.raises(InputError, match=r"none\.whl: cannot be read: No such file"):
        selfie.add_selfie(add.ImportOptions("selfie", tmp_path / "none.whl"), told)


def test_a_tflite_file_that_is_neither(published: Published, tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(tiny_selfie(256, 256, seed=9))
    with pytest.raises(
        InputError, match=r"is neither of mediapipe 0.10.21's .* mattebox model add"
    ):
        selfie.add_selfie(add.ImportOptions("selfie", other), told)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        selfie.add_selfie(add.ImportOptions("selfie", tmp_path / "none.tflite"), told)


def test_a_full_disk(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="No space left on device; make room, or point TMPDIR"):
        wheel.take_out(published.wheel, INSIDE, selfie.NETWORKS.values(), tmp_path, "mediapipe")
    with pytest.raises(StorageError, match="No space left on device; make room, or give the right"):
        add.add_model(add.ImportOptions("mine", published.general))
    assert not any(data_folder().iterdir()), "nothing is left lying about"
    assert isinstance(StorageError(), OSError)


def test_wishes_that_it_cannot_meet(
    published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in (["--size", "64x64"], ["--as", "any"], ["--downsample", "0.5"]):
        assert cli.main(["model", "add", "selfie", *more]) == 2
        assert "leave out --as, --size and --downsample" in capsys.readouterr().err
    assert cli.main(["model", "add", "other"]) == 2
    assert "other: --from is missing: name the file" in capsys.readouterr().err


def test_an_onnx_file_may_be_called_selfie(published: Published, tmp_path: Path) -> None:
    wish = add.ImportOptions("selfie", tmp_path / "net.onnx")
    assert not selfie.is_selfie(wish)
    assert selfie.is_selfie(replace(wish, file=tmp_path / "net.WHL"))
    assert not selfie.is_selfie(replace(wish, name="mine", file=None))


@pytest.mark.shared
@pytest.mark.parametrize("name", ["selfie-general", "selfie-landscape"])
def test_the_real_ones(shared: Path, name: str) -> None:
    file = shared / "models" / selfie.NETWORKS[name].file
    selfie.add_selfie(add.ImportOptions("selfie", file), told)
    works(name, shared / "media/stills/astronaut.png")
    manifest, model = load_manifest(find_manifest(name, model_folders()))
    to_half(static_graph(manifest, model))
