"""Tiny networks with a known matte: what is bright is the person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEIGHT = 64, 36


def _constant(name: str, value: Any, kind: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, kind), name)


def bright_network(
    folder: Path,
    *,
    layout: str = "NCHW",
    width: int = WIDTH,
    height: int = HEIGHT,
    recurrent: bool = False,
    channels: int = 1,
    logits: bool = False,
    manifest: dict[str, Any] | None = None,
) -> Path:
    """Write ``model.onnx`` and ``manifest.yaml``; returns the manifest's path.

    alpha = clip(8 * (mean of R, G, B - 0.5) + 0.5, 0, 1). With ``recurrent`` the result is the mean
    of this and a state that holds the last frame's. With two ``channels`` it is a softmax over
    (0, 16 * (mean - 0.5)), the person second. With ``logits`` it is 16 * (mean - 0.5).
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = layout == "NCHW"
    shape = [1, 3, height, width] if first else [1, height, width, 3]
    small = [1, channels, height, width] if first else [1, height, width, channels]
    axis = 1 if first else 3
    constants = [
        _constant("half", 0.5), _constant("gain", 8.0), _constant("zero", 0.0),
        _constant("one", 1.0), _constant("double", 16.0), _constant("axes", [axis], np.int64),
    ]  # fmt: skip
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["grey"], keepdims=1),
        helper.make_node("Sub", ["grey", "half"], ["centred"]),
    ]
    if channels == 2:
        nodes += [
            helper.make_node("Mul", ["centred", "double"], ["person"]),
            helper.make_node("Mul", ["centred", "zero"], ["nobody"]),
            helper.make_node("Concat", ["nobody", "person"], ["alpha"], axis=axis),
        ]
    elif logits:
        nodes.append(helper.make_node("Mul", ["centred", "double"], ["alpha"]))
    else:
        last = "now" if recurrent else "alpha"
        nodes += [
            helper.make_node("Mul", ["centred", "gain"], ["steep"]),
            helper.make_node("Add", ["steep", "half"], ["raised"]),
            helper.make_node("Clip", ["raised", "zero", "one"], [last]),
        ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, small)]
    state: list[dict[str, Any]] = []
    if recurrent:
        nodes += [
            helper.make_node("Add", ["now", "before"], ["sum"]),
            helper.make_node("Mul", ["sum", "half"], ["alpha"]),
            helper.make_node("Identity", ["now"], ["after"]),
        ]
        inputs.append(helper.make_tensor_value_info("before", TensorProto.FLOAT, small))
        outputs.append(helper.make_tensor_value_info("after", TensorProto.FLOAT, small))
        state = [{"input": "before", "output": "after", "shape": small}]
    graph = helper.make_graph(nodes, "bright", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")
    data: dict[str, Any] = {
        "name": "bright",
        "input": {"name": "image", "width": width, "height": height, "layout": layout},
        "output": {"name": "alpha", "layout": layout},
        "state": state,
    }
    if channels == 2:
        data["output"] |= {"channel": 1, "activation": "softmax"}
    for key, value in (manifest or {}).items():
        data[key] = data[key] | value if isinstance(value, dict) else value
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path
