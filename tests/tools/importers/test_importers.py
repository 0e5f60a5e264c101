"""Importers: tiny random graphs with the real networks' inputs and outputs, each of them run.

These graphs share the real ones' interfaces, not their layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from appliance.cli import main as cli
from appliance.config.settings import MattingSettings
from appliance.errors import InputError, ModelError
from appliance.networks.choose import load_matting
from appliance.networks.folders import data_folder, model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest
from appliance.networks.plans.sidecar import read_sidecar, sha256_of
from appliance.networks.plans.verify import read_plan
from appliance.tools.engine.build import BuildOptions, PrecisionName, build_engine, static_graph
from appliance.tools.engine.precision import to_half
from appliance.tools.importers import add, base
from appliance.tools.importers.add import IMPORTERS, ImportOptions, add_model

pytestmark = pytest.mark.usefixtures("data_here")

pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")

Dims = list[Any]


def write(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, Dims],
    outputs: dict[str, Dims],
    **constants: Any,
) -> Path:
    """Write a network of FP32 tensors; a name for a dimension leaves it dynamic."""
    rng = np.random.default_rng(3)
    initial = [
        numpy_helper.from_array(
            rng.normal(0, 0.3, v).astype(np.float32) if isinstance(v, tuple) else np.asarray(v), n
        )
        for n, v in constants.items()
    ]
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        initial,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def conv(source: str, weights: str, target: str) -> onnx.NodeProto:
    return helper.make_node("Conv", [source, weights], [target], pads=[1, 1, 1, 1])


def modnet(path: Path) -> Path:
    """One picture of dynamic size in, one alpha out."""
    return write(
        path / "modnet.onnx",
        [conv("input", "w", "x"), helper.make_node("Sigmoid", ["x"], ["output"])],
        {"input": ["batch_size", 3, "height", "width"]},
        {"output": ["batch_size", 1, "height", "width"]},
        w=(1, 3, 3, 3),
    )


def u2net(path: Path, rows: Any = 320) -> Path:
    """Seven maps, the fused one first."""
    names = [str(1959 + i) for i in range(7)]
    nodes = [conv("input.1", f"w{i}", f"x{i}") for i in range(7)]
    nodes += [helper.make_node("Sigmoid", [f"x{i}"], [n]) for i, n in enumerate(names)]
    return write(
        path / "tiny-u2net.onnx", nodes, {"input.1": [1, 3, rows, rows]},
        {n: [1, 1, rows, rows] for n in names}, **{f"w{i}": (1, 3, 3, 3) for i in range(7)},
    )  # fmt: skip


def pp_humanseg(path: Path, *, softmax: bool = True) -> Path:
    """Two channels, the person second; with or without a softmax of its own."""
    output = "save_infer_model/scale_0.tmp_1"
    nodes = [conv("x", "w", "raw" if softmax else output)]
    if softmax:
        # In opset 12, softmax works on the flattened rest: channels are moved last and back.
        nodes += [
            helper.make_node("Transpose", ["raw"], ["last"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", ["last", "flat"], ["rows"]),
            helper.make_node("Softmax", ["rows"], ["even"], axis=1),
            helper.make_node("Reshape", ["even", "tall"], ["back"]),
            helper.make_node("Transpose", ["back"], [output], perm=[0, 3, 1, 2]),
        ]
    constants = {"flat": np.asarray([-1, 2], np.int64), "tall": np.asarray([1, 192, 192, 2])}
    return write(
        path / "pphumanseg.onnx", nodes, {"x": [1, 3, 192, 192]}, {output: [1, 2, 192, 192]},
        w=(2, 3, 3, 3), **(constants if softmax else {}),
    )  # fmt: skip


def rvm(path: Path) -> Path:
    """Dynamic sizes, four recurrent states that broadcast from a single zero, a ratio as an input.

    Each state is the downsampled picture's features at 1/2 to 1/16, added to its previous value.
    """
    channels = (16, 20, 40, 64)
    nodes = [
        helper.make_node("Concat", ["one", "one", *["downsample_ratio"] * 2], ["by"], axis=0),
        helper.make_node("Resize", ["src", "roi", "by"], ["small"], mode="linear"),
    ]  # fmt: skip
    source = "small"
    for i, _ in enumerate(channels, 1):
        nodes += [
            helper.make_node(
                "Conv", [source, f"w{i}"], [f"f{i}"], pads=[1, 1, 1, 1], strides=[2, 2]
            ),
            helper.make_node("Add", [f"f{i}", f"r{i}i"], [f"s{i}"]),
            helper.make_node("Tanh", [f"s{i}"], [f"r{i}o"]),
        ]
        source = f"r{i}o"
    nodes += [
        helper.make_node("Conv", ["r1o", "v"], ["low"]),
        helper.make_node("Shape", ["src"], ["size"]),
        helper.make_node("Slice", ["size", "two", "four"], ["sides"]),
        helper.make_node("Concat", ["ones", "sides"], ["full"], axis=0),
        helper.make_node("Resize", ["low", "roi", "roi", "full"], ["high"], mode="linear"),
        helper.make_node("Sigmoid", ["high"], ["pha"]),
        helper.make_node("Identity", ["src"], ["fgr"]),
    ]
    open_ = ["batch_size", "channels", "height", "width"]
    weights = {f"w{i}": (c, (3, *channels)[i - 1], 3, 3) for i, c in enumerate(channels, 1)}
    return write(
        path / "rvm.onnx", nodes,
        {"src": ["batch_size", 3, "height", "width"], **{f"r{i}i": open_ for i in (1, 2, 3, 4)},
         "downsample_ratio": [1]},
        {"fgr": open_, "pha": open_, **{f"r{i}o": open_ for i in (1, 2, 3, 4)}},
        v=(1, 16, 1, 1), one=np.ones(1, np.float32), two=np.asarray([2]), four=np.asarray([4]),
        ones=np.asarray([1, 1]), roi=np.zeros(0, np.float32), **weights,
    )  # fmt: skip


def added(file: Path, name: str = "mine", **wish: Any) -> tuple[Manifest, Path, list[str]]:
    said = add_model(ImportOptions(name, file, **wish))
    manifest, model = load_manifest(find_manifest(name, model_folders()))
    return manifest, model, said


def run(name: str, frames: int = 3) -> list[np.ndarray]:
    """The named network's alphas, through the appliance's own runner."""
    matting = load_matting(MattingSettings(model=name, runtime="onnxruntime", threads=1))
    spec = matting.manifest.input
    rng = np.random.default_rng(4)
    alphas = []
    for _ in range(frames):
        matting.input[:] = rng.normal(0, 1, (3, spec.height, spec.width))
        alpha = matting.infer()
        assert alpha.shape == (spec.height, spec.width)
        assert 0 <= alpha.min() < alpha.max() <= 1
        alphas.append(alpha.copy())
    return alphas


def quiet(*_: object) -> None:
    """Report to nobody."""


def kind_of(said: list[str]) -> str:
    return said[0].split(": ")[1].partition(",")[0]


def test_any(tmp_path: Path) -> None:
    file = write(
        tmp_path / "net.onnx",
        [conv("pic", "w", "x"), helper.make_node("Sigmoid", ["x"], ["matte"])],
        {"pic": [1, 3, 64, 96]}, {"matte": [1, 1, 64, 96]}, w=(1, 3, 3, 3),
    )  # fmt: skip
    manifest, _, said = added(file)
    assert (manifest.input.name, manifest.input.width, manifest.input.height) == ("pic", 96, 64)
    assert kind_of(said) == "a network of one input and one output"
    assert "unknown release" in said[1]
    assert said[2] == "licence: not known: it is yours to find out"
    run("mine")


def test_any_needs_a_size_where_the_graph_has_none(tmp_path: Path) -> None:
    file = write(
        tmp_path / "net.onnx", [conv("pic", "w", "matte")],
        {"pic": [1, 3, "h", "w"]}, {"matte": [1, 1, "h", "w"]}, w=(1, 3, 3, 3),
    )  # fmt: skip
    with pytest.raises(ModelError, match="leaves its input's size open; name it: --size"):
        added(file)
    assert not data_folder().exists() or not any(data_folder().iterdir())
    manifest, model, _ = added(file, size="96x64")
    assert manifest.input.shape == (1, 3, 64, 96)
    assert onnx.load(model).graph.input[0].type.tensor_type.shape.dim[3].dim_value == 96


def test_modnet(tmp_path: Path) -> None:
    manifest, _, said = added(modnet(tmp_path))
    assert kind_of(said) == "MODNet portrait matting"
    assert manifest.input.shape == (1, 3, 288, 512)
    assert manifest.input.mean == (127.5, 127.5, 127.5)
    run("mine")
    with pytest.raises(ModelError, match=r"500x281, both sides must be multiples of 32"):
        added(modnet(tmp_path), "other", size="500x281")


def test_u2net(tmp_path: Path) -> None:
    manifest, model, said = added(u2net(tmp_path))
    assert kind_of(said) == "U2-Net"
    assert "Apache-2.0" in said[2]
    assert manifest.output.name == "1959"
    assert manifest.input.shape == (1, 3, 320, 320)
    assert [o.name for o in onnx.load(model).graph.output] == ["1959"], "six are not asked for"
    value = (np.asarray([123.675, 116.28, 103.53]) - manifest.input.mean) * manifest.input.scale
    assert np.allclose(value, 0)
    run("mine")


@pytest.mark.parametrize("softmax", [True, False])
def test_pp_humanseg(tmp_path: Path, softmax: bool) -> None:
    manifest, _, said = added(pp_humanseg(tmp_path, softmax=softmax))
    assert kind_of(said) == "PP-HumanSeg"
    assert manifest.output.channel == 1
    run("mine")


def test_robust_video_matting(tmp_path: Path) -> None:
    manifest, model, said = added(rvm(tmp_path), size="256x144", downsample=0.5)
    assert kind_of(said) == "RobustVideoMatting"
    assert "GPL-3.0" in said[2]
    assert [s.shape for s in manifest.state] == [
        (1, 16, 36, 64), (1, 20, 18, 32), (1, 40, 9, 16), (1, 64, 5, 8),
    ]  # fmt: skip
    graph = onnx.load(model).graph
    assert "downsample_ratio" not in [i.name for i in graph.input]
    assert "fgr" not in [o.name for o in graph.output]
    # The ratio is baked into the graph: no shapes are left to compute at run time.
    assert not {"Shape", "Slice", "Concat"} & {n.op_type for n in graph.node}
    alphas = run("mine")
    matting = load_matting(MattingSettings(model="mine", runtime="onnxruntime", threads=1))
    rng = np.random.default_rng(4)
    for step, expected in enumerate(alphas):
        matting.reset()
        matting.input[:] = rng.normal(0, 1, (3, 144, 256))
        same = np.array_equal(matting.infer(), expected)
        assert same == (step == 0), "its state must count from the second frame on"


def test_robust_video_matting_in_its_usual_size(tmp_path: Path) -> None:
    manifest, _, _ = added(rvm(tmp_path))
    assert (manifest.input.width, manifest.input.height) == (512, 288)
    assert manifest.title.endswith("downsample_ratio 1")
    with pytest.raises(ModelError, match="expected a ratio above 0, up to 1"):
        added(rvm(tmp_path), "other", downsample=1.5)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "size", "title"),
    [("selfie_segmentation.onnx", (256, 256), "general"),
     ("selfie_segmentation_landscape.onnx", (256, 144), "landscape")],
)  # fmt: skip
def test_mediapipe(shared: Path, file: str, size: tuple[int, int], title: str) -> None:
    manifest, model, said = added(shared / "models" / file)
    assert kind_of(said) == "MediaPipe selfie segmentation"
    assert f"known release: MediaPipe selfie segmentation, {title}" in said[1]
    assert said[2] == "licence: Apache-2.0"
    assert (manifest.input.width, manifest.input.height) == size
    run("mine")
    to_half(static_graph(manifest, model))


@pytest.mark.parametrize("kind", [rvm, modnet, u2net, pp_humanseg])
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_becomes_an_engine(
    tmp_path: Path, builder: str, kind: Callable[[Path], Path], precision: PrecisionName
) -> None:
    """The real builder accepts each: states, baked ratio, dynamic sizes made static."""
    file = kind(tmp_path)
    manifest, model, _ = added(file, size="256x144" if kind is rvm else None)
    frames = tmp_path / "noise.png"
    noise = np.random.default_rng(5).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    cv2.imwrite(str(frames), noise)
    engine = BuildOptions(target="sm86", precision=precision, frames=frames, limit=20 / 255)
    path = build_engine(manifest, model, engine, tell=quiet, progress=quiet)
    sidecar = read_sidecar(path)
    assert [t.name for t in sidecar.inputs] == [
        manifest.input.name, *(s.input for s in manifest.state)
    ]  # fmt: skip
    assert sidecar.gate.passed
    assert read_plan(path).sidecar == sidecar


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"name": "Mine"}, "expected lower-case letters"),
        ({"name": "../x"}, "expected lower-case letters"),
        ({"name": "portrait"}, "portrait is shipped with Mattebox; choose another name"),
        ({"kind": "yolo"}, "--as yolo: expected one of rvm, u2net, mediapipe"),
        ({"size": "wide"}, "--size wide: expected WIDTHxHEIGHT"),
        ({"kind": "u2net", "size": "64x64"}, "as u2net: the graph's input is fixed at 320x320"),
    ],
)
def test_wishes_that_cannot_be_met(tmp_path: Path, wish: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        added(u2net(tmp_path), **wish)
    assert message in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    for name, message in (
        ("a.onnx", "cannot be read"),
        ("a.tflite", "cannot be read"),
        ("a.pth", "convert it to ONNX first"),
        ("a.whl", "is taken by mattebox model add selfie, pose or face only"),
    ):
        with pytest.raises(InputError, match=message):
            added(tmp_path / name)
    (tmp_path / "b.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="not a valid ONNX file"):
        added(tmp_path / "b.onnx")


def test_a_graph_that_nothing_fits(tmp_path: Path) -> None:
    file = write(
        tmp_path / "net.onnx", [helper.make_node("Add", ["a", "b"], ["c"])],
        {"a": [1], "b": [1]}, {"c": [1]},
    )  # fmt: skip
    with pytest.raises(ModelError, match="no importer fits a graph with inputs a 1, b 1"):
        added(file)


def test_a_name_is_taken_only_when_told_to_and_then_at_once(tmp_path: Path) -> None:
    added(u2net(tmp_path))
    with pytest.raises(InputError, match="is there already; choose another name, or say --replace"):
        added(modnet(tmp_path))
    assert added(modnet(tmp_path), replace=True)[0].title == "MODNet portrait matting"
    assert [p.name for p in data_folder().iterdir()] == ["mine"], "nothing is left lying about"
    with pytest.raises(ModelError):
        added(rvm(tmp_path), replace=True, downsample=7.0)
    assert added(modnet(tmp_path), replace=True)[0].title == "MODNet portrait matting"


def test_releases_are_told_by_size_and_hash() -> None:
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    for size, sha, same in ((3, digest, True), (4, digest, False), (None, digest, True)):
        assert base.Release("x", "x.onnx", sha, size, "a test").matches(3, digest) is same
    assert not base.Release("x", "x.onnx", "0" * 64, None, "a test").matches(3, digest)
    files = []
    for importer in IMPORTERS:
        for release in importer.releases:
            assert re.fullmatch("[0-9a-f]{64}", release.sha256)
            assert release.origin
            files.append((release.file, release.sha256))
    assert len(set(files)) == len(files)
    for kind in ("rvm", "modnet", "u2net", "mediapipe", "pp-humanseg"):
        assert next(i for i in IMPORTERS if i.kind == kind).releases, kind


@pytest.mark.parametrize("name", ["u2netp.onnx", "rvm_resnet50_fp32.onnx"])
def test_what_has_a_releases_name_must_be_it(tmp_path: Path, name: str) -> None:
    """A download that was truncated or altered on the way."""
    file = tmp_path / name
    file.write_bytes(u2net(tmp_path).read_bytes())
    with pytest.raises(InputError, match=r"SHA-256 .*; expected of .*; fetch it anew, or rename"):
        added(file)
    file.write_bytes(b"<html>")
    with pytest.raises(InputError, match="fetch it anew"):
        added(file)


def test_a_known_release_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = u2net(tmp_path)
    known = base.Release("A network", "a.onnx", sha256_of(file), file.stat().st_size, "its authors")
    importer = replace(add.IMPORTERS[1], releases=(known,))
    monkeypatch.setattr(add, "IMPORTERS", (importer,))
    lines = add.add_model(add.ImportOptions("mine", file))
    assert "known release: A network (size and SHA-256 as stated by its authors)" in lines


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "add", "mine", "--from", str(u2net(tmp_path))]) == 0
    assert "run it: mattebox run --model mine" in capsys.readouterr().err
    assert cli.main(["model", "list"]) == 0
    out = capsys.readouterr().out
    assert "portrait" in out
    assert "mine               320x320    Apache-2.0     U2-Net" in out
    assert cli.main(["model", "add", "mine", "--from", str(tmp_path / "none.onnx")]) == 2
    assert "is there already" in capsys.readouterr().err
