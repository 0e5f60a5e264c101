"""A tiny network that paints: every colour becomes its opposite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper


def painting_network(
    folder: Path, *, layout: str = "NCHW", order: str = "RGB", width: int = 64, height: int = 36,
    channels: int = 3, divide: bool = False, task: str = "picture",
) -> Path:  # fmt: skip
    """Write ``model.onnx`` and ``manifest.yaml``; returns the manifest's path.

    Out of values of -1..1 (pixels of 0..255) it makes 100 times their opposite. With ``divide`` it
    divides by zero instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = layout == "NCHW"
    shape = [1, 3, height, width] if first else [1, height, width, 3]
    small = [1, channels, height, width] if first else [1, height, width, channels]
    gain = 0.0 if divide else -0.01
    nodes = [helper.make_node("Div", ["picture", "gain"], ["painted" if channels == 3 else "all"])]
    if channels == 1:
        axes = numpy_helper.from_array(np.array([1 if first else 3], np.int64), "axes")
        nodes.append(helper.make_node("ReduceMean", ["all", "axes"], ["painted"], keepdims=1))
    graph = helper.make_graph(
        nodes, "painter",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("painted", TensorProto.FLOAT, small)],
        [numpy_helper.from_array(np.array(gain, np.float32), "gain")]
        + ([axes] if channels == 1 else []),
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))
    manifest = {
        "name": "painter",
        "task": task,
        "input": {
            "name": "picture", "width": width, "height": height, "layout": layout, "order": order,
            "mean": [127.5] * 3, "scale": [1 / 127.5] * 3,
        },
        "output": {
            "name": "painted", "layout": layout, "order": order,
            "mean": [127.5] * 3, "scale": [100 / 127.5] * 3,
        },
    }  # fmt: skip
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    return folder / "manifest.yaml"
