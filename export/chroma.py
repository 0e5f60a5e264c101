"""``engines/chroma``: a keyer as a network of a few operations, for those who use no other.

It only says where somebody is, by the colour that the border of what it sees has most strongly; the
appliance's keyer then does the work at full size (``matting.model: chroma``). It is a network so
that the region of interest, the rescan and the TensorRT engine work with it as with any other.

    python -m export.chroma engines/chroma
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

from appliance.networks.manifest import Manifest

OPSET = 17
WIDTH, HEIGHT = 288, 160
BORDER = 0.1
"""Of each side: what counts as the border. The lower one is left out: people stand there."""
NEAR = 0.15
"""Chroma (of -1..1) within which a pixel's colour is the border's."""
LOW, HIGH = 0.25, 0.5
"""Of the border's chroma: alpha is 0 up to the first, 1 from the second on."""


def to_onnx() -> onnx.ModelProto:
    """The graph: image, RGB in -1..1, float32 (1, 3, HEIGHT, WIDTH), to alpha (1, 1, ...)."""
    rows, columns = np.zeros((1, 1, HEIGHT, 1), np.float32), np.zeros((1, 1, 1, WIDTH), np.float32)
    rows[:, :, : round(BORDER * HEIGHT)] = 1
    side = round(BORDER * WIDTH)
    columns[..., :side] = columns[..., -side:] = 1
    chroma = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)
    constants = {
        "rows": rows, "columns": columns, "chroma": chroma.reshape(2, 3, 1, 1),
        "little_weight": np.float32(1e-5), "channel": np.array([1], np.int64),
        "near": np.float32(-1 / NEAR**2), "little": np.float32(1e-3),
        "gain": np.float32(1 / (HIGH - LOW)), "floor": np.float32(LOW / (HIGH - LOW)),
        "zero": np.float32(0), "one": np.float32(1),
    }  # fmt: skip
    nodes = [
        helper.make_node("Max", ["rows", "columns"], ["border"]),
        helper.make_node("Conv", ["image", "chroma"], ["colour"]),
        helper.make_node("Mul", ["colour", "colour"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "channel"], ["strength"]),
        helper.make_node("Mul", ["strength", "strength"], ["strong"]),
        helper.make_node("Mul", ["strong", "border"], ["weight0"]),
    ]
    for turn in range(3):
        nodes += _mean(turn)
        nodes += [
            helper.make_node("Sub", ["colour", f"mean{turn}"], [f"away{turn}"]),
            helper.make_node("Mul", [f"away{turn}"] * 2, [f"away_squares{turn}"]),
            helper.make_node("ReduceSum", [f"away_squares{turn}", "channel"], [f"far{turn}"]),
            helper.make_node("Mul", [f"far{turn}", "near"], [f"exponent{turn}"]),
            helper.make_node("Exp", [f"exponent{turn}"], [f"like{turn}"]),
            helper.make_node("Mul", [f"like{turn}", "border"], [f"weight{turn + 1}"]),
        ]
    nodes += [
        helper.make_node("Mul", ["mean2", "mean2"], ["mean_squares"]),
        helper.make_node("ReduceSum", ["mean_squares", "channel"], ["mean_square"]),
        helper.make_node("Add", ["mean_square", "little"], ["size"]),
        helper.make_node("Div", ["far2", "size"], ["ratio"]),
        helper.make_node("Sqrt", ["ratio"], ["distance"]),
        helper.make_node("Mul", ["distance", "gain"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "floor"], ["ramp"]),
        helper.make_node("Clip", ["ramp", "zero", "one"], ["alpha"]),
    ]
    graph = helper.make_graph(
        nodes, "chroma",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, [1, 1, HEIGHT, WIDTH])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="export"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _mean(turn: int) -> list[onnx.NodeProto]:
    """The weighted mean of the colours, (1, 2, 1, 1)."""
    return [
        helper.make_node("Mul", ["colour", f"weight{turn}"], [f"weighed{turn}"]),
        helper.make_node("ReduceMean", [f"weighed{turn}"], [f"sum{turn}"], axes=[2, 3], keepdims=1),
        helper.make_node("ReduceMean", [f"weight{turn}"], [f"all{turn}"], axes=[2, 3], keepdims=1),
        helper.make_node("Add", [f"all{turn}", "little_weight"], [f"some{turn}"]),
        helper.make_node("Div", [f"sum{turn}", f"some{turn}"], [f"mean{turn}"]),
    ]


def manifest() -> dict[str, object]:
    """What ``manifest.yaml`` says."""
    made: dict[str, object] = {
        "name": "chroma",
        "title": "chroma keyer: no network, the colour of the wall; the keyer does the work",
        "model": "model.onnx",
        "licence": "Apache-2.0",
        "input": {
            "name": "image", "width": WIDTH, "height": HEIGHT, "layout": "NCHW", "order": "RGB",
            "mean": [127.5] * 3, "scale": [0.0078431373] * 3,
        },
        "output": {"name": "alpha", "layout": "NCHW", "channel": 0, "activation": "none"},
        "state": [],
    }  # fmt: skip
    Manifest.model_validate(made)
    return made


def main(folder: Path) -> None:
    """Write the model and its manifest into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(), folder / "model.onnx")
    text = yaml.safe_dump(manifest(), sort_keys=False, allow_unicode=True, width=110)
    (folder / "manifest.yaml").write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
