"""A tiny network of classes with known ones: what is blue is a chair, what is red a cat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

CLASSES = ["background", "chair", "person", "cat"]
WIDTH, HEIGHT = 64, 36
_WEIGHTS = [[0, 0, 0], [-20, -20, 40], [0, 0, 0], [40, -20, -20]]
"""Of R, G and B in 0..1, for each class."""
_BIASES = [4, 0, -50, 0]


def coloured_network(
    folder: Path, *, width: int = WIDTH, height: int = HEIGHT, coarse: int = 1,
    layout: str = "NCHW", activation: str = "softmax", manifest: dict[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Write ``model.onnx`` and ``manifest.yaml``; returns the manifest's path.

    Scores are 0 for background; 40 times the excess of blue for chair, of red for cat. ``coarse``:
    input pixels to a cell of the output. ``activation``: ``softmax`` gives scores, ``none`` their
    softmax, ``argmax`` the number of the largest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows, columns, count = height // coarse, width // coarse, len(CLASSES)
    constants = [
        numpy_helper.from_array(np.float32(_WEIGHTS).reshape(count, 3, 1, 1), "weights"),
        numpy_helper.from_array(np.float32(_BIASES), "biases"),
    ]
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["small"], kernel_shape=[coarse] * 2, strides=[coarse] * 2
        ),
        helper.make_node("Conv", ["small", "weights", "biases"], ["scores"]),
    ]
    last, kind, shape = "scores", TensorProto.FLOAT, [1, count, rows, columns]
    if activation == "none":
        nodes.append(helper.make_node("Softmax", [last], ["shares"], axis=1))
        last = "shares"
    if activation == "argmax":
        nodes.append(helper.make_node("ArgMax", [last], ["numbers"], axis=1, keepdims=0))
        last, kind, shape = "numbers", TensorProto.INT64, [1, rows, columns]
    elif layout == "NHWC":
        nodes.append(helper.make_node("Transpose", [last], ["turned"], perm=[0, 2, 3, 1]))
        last, shape = "turned", [1, rows, columns, count]
    graph = helper.make_graph(
        nodes, "coloured",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info(last, kind, shape)], constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")
    data: dict[str, Any] = {
        "name": "coloured",
        "task": "classes",
        "input": {"name": "image", "width": width, "height": height},
        "output": {"name": last, "layout": layout, "activation": activation},
        "classes": CLASSES,
    } | (manifest or {})
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path
