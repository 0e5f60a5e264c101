"""The tracker with networks whose answers are known: where in the picture they end up."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from appliance.faces.tracker import FaceTracker, aim_at
from appliance.media.frame import F32, U8, Colour
from appliance.networks.face import ANCHORS, NUMBERS, POINTS, FaceFinder, FacePoints
from appliance.networks.manifest import load_manifest
from tests.faces import drawn

GREY: tuple[U8, U8] = (np.full((96, 128), 120, np.uint8), np.full((48, 64, 2), 128, np.uint8))


def network(folder: Path, task: str, side: int, outputs: dict[str, F32]) -> tuple:
    """Manifest and path of a network that gives these numbers whatever it sees."""
    folder.mkdir()
    nodes, weights = [], []
    for name, values in outputs.items():
        nodes += [
            helper.make_node("Mul", ["x", "zero"], [f"{name}0"]),
            helper.make_node("ReduceMax", [f"{name}0"], [f"{name}1"], keepdims=0),
            helper.make_node("Add", [f"{name}1", f"{name}2"], [name]),
        ]
        weights.append(numpy_helper.from_array(values, f"{name}2"))
    weights.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    graph = helper.make_graph(
        nodes, "known", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(values.shape))
            for name, values in outputs.items()
        ],
        weights,
    )  # fmt: skip
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")
    fields = {
        "name": folder.name, "task": task, "input": {"name": "x", "width": side, "height": side},
        "output": {"name": next(iter(outputs))},
    }  # fmt: skip
    (folder / "manifest.yaml").write_text(yaml.safe_dump(fields))
    return load_manifest(folder / "manifest.yaml", task=None)


def finder(folder: Path, score: float, tilt: float = 0.0) -> FaceFinder:
    """Finds one face at (0.25, 0.5) of the picture, half as large; its eyes' line falls by that."""
    boxes, scores = np.zeros((1, ANCHORS, NUMBERS), np.float32), np.full((1, ANCHORS, 1), -9.0)
    # The first anchor of the cell in row 8, column 4 of 16x16: its middle is at (4.5, 8.5) / 16.
    anchor = (8 * 16 + 4) * 2
    offset = np.array([0.25 - 4.5 / 16, 0.5 - 8.5 / 16]) * 128
    boxes[0, anchor, :2], boxes[0, anchor, 2:4] = offset, 64
    eye = 10 * np.array([math.cos(tilt), math.sin(tilt)])
    boxes[0, anchor, 4:6], boxes[0, anchor, 6:8] = offset - eye, offset + eye
    scores[0, anchor], scores[0, anchor + 1] = score, score - 1
    boxes[0, anchor + 1] = boxes[0, anchor]
    return FaceFinder(
        *network(folder, "find-face", 128, {"b": boxes, "s": scores.astype(np.float32)}), 1
    )


def mesh(folder: Path, present: float) -> FacePoints:
    """Finds the drawn face in the middle of whatever it sees."""
    known = np.zeros((POINTS, 3), np.float32)
    known[:, :2] = (drawn.points(at=0j) / drawn.EYES) * 20 + (48, 40)
    points = known.reshape(1, POINTS * 3, 1, 1)
    return FacePoints(
        *network(
            folder, "face", 96, {"p": points, "f": np.full((1, 1, 1, 1), present, np.float32)}
        ),
        1,
    )


@pytest.mark.parametrize("tilt", [0.0, 0.4])
def test_points_come_back_into_the_picture(tmp_path: Path, tilt: float) -> None:
    """The finder's square is half as large again as the face, upright on its eyes."""
    one = finder(tmp_path / "finder", 3.0, tilt)
    (face,) = one.infer()
    assert face.box == pytest.approx((0.0, 0.25, 0.5, 0.5))
    assert face.score == pytest.approx(1 / (1 + math.exp(-3)))
    tracker = FaceTracker(one, mesh(tmp_path / "mesh", 4.0))
    aim = tracker._find(*GREY, Colour())
    # The picture is 128x96; what is seen of it is 128x128 around its middle.
    assert aim == pytest.approx((32, 48, 96, tilt), abs=1e-4)
    assert aim is not None
    points = tracker._look(*GREY, Colour(), aim)
    assert points is not None
    eyes = points[263] - points[33]
    assert math.atan2(eyes[1], eyes[0]) == pytest.approx(tilt, abs=1e-4)
    assert math.hypot(*eyes) == pytest.approx(20, abs=1e-3)
    off = np.array([0, -8])
    turned = [
        32 + off[0] * math.cos(tilt) - off[1] * math.sin(tilt),
        48 + off[0] * math.sin(tilt) + off[1] * math.cos(tilt),
    ]
    assert ((points[33] + points[263]) / 2).tolist() == pytest.approx(turned, abs=1e-3)


def test_nobody_is_found_where_nobody_is(tmp_path: Path) -> None:
    unsure = FaceTracker(finder(tmp_path / "a", -1.0), mesh(tmp_path / "b", 4.0))
    assert unsure(*GREY, Colour()) is None
    no_face = FaceTracker(finder(tmp_path / "c", 3.0), mesh(tmp_path / "d", -4.0))
    assert no_face(*GREY, Colour()) is None


def test_where_to_look_next(tmp_path: Path) -> None:
    points = drawn.points(at=50 + 40j, turn=complex(np.exp(0.3j)))
    x, y, side, angle = aim_at(points)
    assert angle == pytest.approx(0.3, abs=1e-5)
    # From the forehead to the chin: 2 eyes' distances, half as much again.
    assert side == pytest.approx(1.5 * 2 * drawn.EYES, rel=1e-4)
    middle = 50 + 40j + 0.4j * drawn.EYES * np.exp(0.3j)
    assert complex(x, y) == pytest.approx(middle, abs=1e-3)
