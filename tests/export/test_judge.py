"""The judge end to end, on a small set of clips with known alphas and a toy network."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from export.cli import main
from export.evaluation.judge import Result, eight_bit, summary
from export.evaluation.limit import perfect
from export.evaluation.models import contender, to_nv12
from export.evaluation.sets import find_clips, load_clip, save_clip

onnx = pytest.importorskip("onnx", reason="onnx lives only in the export environment")


def bright_matter(folder: Path) -> Path:
    """A model that takes bright pixels for a person: alpha = clip(8 * mean RGB), RGB in [-1, 1]."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1], keepdims=1),
            helper.make_node("Mul", ["grey", "gain"], ["strong"]),
            helper.make_node("Clip", ["strong", "zero", "one"], ["alpha"]),
        ],
        "bright",
        [helper.make_tensor_value_info("image", kind, [1, 3, 48, 64])],
        [helper.make_tensor_value_info("alpha", kind, [1, 1, 48, 64])],
        [
            helper.make_tensor("gain", kind, [], [8.0]),
            helper.make_tensor("zero", kind, [], [0.0]),
            helper.make_tensor("one", kind, [], [1.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder.mkdir(parents=True)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "manifest.yaml").write_text(
        "name: bright\ninput: {name: image, width: 64, height: 48,"
        " mean: [127.5, 127.5, 127.5], scale: [0.00784314, 0.00784314, 0.00784314]}\n"
        "output: {name: alpha}\n"
    )
    return folder


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A clip with a moving bright disc, and an empty clip."""
    frames, alphas = [], []
    for number in range(4):
        alpha = np.zeros((96, 128), np.uint8)
        cv2.circle(alpha, (50 + 4 * number, 50), 24, 255, -1)
        frames.append(np.repeat(np.where(alpha > 0, 230, 30).astype(np.uint8)[..., None], 3, 2))
        alphas.append(alpha)
    save_clip(tmp_path / "sets" / "discs" / "one", frames, alphas)
    save_clip(tmp_path / "sets" / "empty" / "dark", [np.zeros((96, 128, 3), np.uint8)] * 2, None)
    return tmp_path / "sets"


def test_clips_round_trip(sets: Path) -> None:
    discs, dark = (load_clip(folder) for folder in find_clips(sets))
    assert (discs.set_name, discs.name, len(discs.frames)) == ("discs", "one", 4)
    assert discs.alphas[0].max() == 1
    assert max(alpha.max() for alpha in dark.alphas) == 0


def test_evaluate_from_the_command_line(
    sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = bright_matter(tmp_path / "bright")
    report, picture = tmp_path / "figures.json", tmp_path / "sheet.png"
    arguments = ["evaluate", str(model), f"{model}+appliance", "perfect-64x48", "--sets", str(sets)]
    assert main([*arguments, "--json", str(report), "--sheet", str(picture)]) == 0
    assert "bright+appliance" in capsys.readouterr().out
    figures = json.loads(report.read_text())
    bare = figures["summary"]["discs"]["bright"]
    assert bare["iou"] > 0.93
    assert bare["mad"] < 25
    assert figures["summary"]["empty"]["bright"]["mean_alpha"] == 0
    assert figures["summary"]["discs"]["bright+appliance"]["iou"] > 0.9
    assert "x1e3" in figures["units"]["mad"]
    assert figures["summary"]["discs"]["perfect-64x48"]["iou"] > 0.97
    assert len(figures["clips"]) == 6
    shown = cv2.imread(str(picture))
    assert shown is not None
    assert shown.shape[1] == 8 * 320


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--sets", "{sets}"], "no model given"),
        (["evaluate", "{model}", "--sets", "{sets}/none"], "no such folder"),
        (["evaluate", "{model}+magic", "--sets", "{sets}"], "expected '\\+appliance'"),
    ],
)
def test_mistakes_end_with_two_and_say_why(
    arguments: list[str],
    message: str,
    sets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = bright_matter(tmp_path / "bright")
    filled = [argument.format(sets=sets, model=model) for argument in arguments]
    assert main(filled) == 2
    assert message.replace("\\", "") in " ".join(capsys.readouterr().err.split())


def test_a_frame_without_its_alpha_is_named(sets: Path) -> None:
    (sets / "discs" / "one" / "alphas" / "0002.png").unlink()
    with pytest.raises(ValueError, match=r"0002\.png: missing"):
        load_clip(sets / "discs" / "one")


def test_contenders_start_afresh(sets: Path, tmp_path: Path) -> None:
    clip = load_clip(find_clips(sets)[0])
    one = contender(f"{bright_matter(tmp_path / 'bright')}+appliance", tmp_path)
    runs = []
    for _ in range(2):
        one.start(128, 96)
        runs.append([one.alpha(frame) for frame in clip.frames])
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first, second)
    assert one.milliseconds() > 0


def test_a_flawless_network_is_limited_by_its_grid() -> None:
    edge = np.zeros((48, 64), np.float32)
    edge[:, 33:] = 1.0
    same = perfect("perfect-64x48")
    coarse = perfect("perfect-16x12")
    assert same is not None
    assert coarse is not None
    np.testing.assert_array_equal(same.alpha(edge), edge)
    seen = coarse.alpha(edge)
    # Columns 32 to 35 share a cell, three quarters of it foreground; elsewhere nothing changes.
    assert seen[0, :30].max() == 0
    assert seen[0, 40:].min() == 1
    assert 0.3 < seen[0, 33] < 0.8
    assert coarse.milliseconds() == 0
    assert perfect("engines/portrait") is perfect("perfect-0x4") is None


def test_nv12_of_plain_colours() -> None:
    grey = to_nv12(np.full((4, 6, 3), 255, np.uint8))
    assert (grey.y == 235).all()
    assert grey.uv.shape == (2, 3, 2)
    assert (grey.uv == 128).all()
    with pytest.raises(ValueError, match="even sides"):
        to_nv12(np.zeros((3, 4, 3), np.uint8))


def test_summary_weighs_clips_and_sets_alike() -> None:
    def result(set_name: str, clip: str, value: float) -> Result:
        names = ("mad", "mse", "grad", "conn", "dtssd", "iou")
        return Result(set_name, clip, "m", 1, dict.fromkeys(names, value), 0.0, 1.0)

    table = summary([result("a", "1", 0.0), result("a", "2", 2.0), result("b", "1", 5.0)])
    assert table["a"]["m"]["mad"] == 1
    assert table["all"]["m"]["mad"] == 3
    assert eight_bit(np.array([[0.5]], np.float32))[0, 0] == pytest.approx(128 / 255)


def test_mediapipe_runs_where_it_is(shared: Path, sets: Path) -> None:
    for name in ("mediapipe-general", "mediapipe-landscape"):
        one = contender(name, shared / "models", threads=1)
        one.start(128, 96)
        alpha = one.alpha(load_clip(find_clips(sets)[0]).frames[0])
        assert alpha.shape == (96, 128)
        assert 0 <= alpha.min() <= alpha.max() <= 1
