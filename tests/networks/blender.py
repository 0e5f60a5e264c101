"""A tiny network that gives the mean of two pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper


def blending_network(
    folder: Path, *, width: int = 64, height: int = 48, layout: str = "NCHW", order: str = "RGB",
    channels: int = 4, later: float = 0.5, gain: float = 1.0, task: str = "between",
    previous: str = "before",
) -> Path:  # fmt: skip
    """Write ``model.onnx`` and ``manifest.yaml``; returns the manifest's path.

    ``later``: how much of the later picture is in what it gives, which is divided by ``gain``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = layout == "NCHW"
    shape = [1, channels, height, width] if first else [1, height, width, channels]
    nodes = [
        helper.make_node("Mul", ["before", "share_0"], ["a"]),
        helper.make_node("Mul", ["picture", "share_1"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Div", ["c", "gain"], ["between"]),
    ]
    numbers = {"share_0": 1 - later, "share_1": later, "gain": gain}
    graph = helper.make_graph(
        nodes, "blender",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("before", "picture")],
        [helper.make_tensor_value_info("between", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in numbers.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))
    manifest = {
        "name": "blender", "task": task, "previous": previous,
        "input": {
            "name": "picture", "width": width, "height": height, "layout": layout, "order": order,
        },
        "output": {"name": "between", "layout": layout, "order": order},
    }  # fmt: skip
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    return folder / "manifest.yaml"
