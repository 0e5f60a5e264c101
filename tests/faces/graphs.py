"""Lip-sync networks of the published shapes, with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shapes = dict[str, list[int]]


def write_graph(
    path: Path, inputs: Shapes, output: str, shape: list[int], kind: str = "Sigmoid",
    gain: float = 1.0,
) -> None:  # fmt: skip
    """Write a graph whose output is a random projection of the inputs' means."""
    rng = np.random.default_rng(5)
    nodes, weights = [], []
    for n, (name, sides) in enumerate(inputs.items()):
        axes = list(range(1, len(sides))) or [0]
        nodes += [
            helper.make_node("Cast", [name], [f"f{n}"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", [f"f{n}"], [f"m{n}"], axes=axes, keepdims=0),
            helper.make_node("Mul", [f"m{n}", f"w{n}"], [f"p{n}"]),
        ]
        values: NDArray[np.float32] = (gain * rng.normal(0, 1, shape)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"w{n}"))
    nodes.append(helper.make_node("Sum", [f"p{n}" for n in range(len(inputs))], ["sum"]))
    nodes.append(helper.make_node(kind, ["sum"], [output]))
    kinds = {name: TensorProto.INT64 if name == "t" else TensorProto.FLOAT for name in inputs}
    graph = helper.make_graph(
        nodes, "random",
        [helper.make_tensor_value_info(n, kinds[n], s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        weights,
    )  # fmt: skip
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def wav2lip(folder: Path, **change: Any) -> Path:
    """A network of Wav2Lip's shapes; the manifest's path."""
    folder.mkdir(exist_ok=True)
    size = 96
    inputs = {"mel": [1, 1, 80, 16], "video": [1, 6, size, size]}
    write_graph(folder / "model.onnx", inputs, "out", [1, 3, size, size])
    fields: dict[str, Any] = {
        "name": "tiny-wav2lip", "task": "lip-sync", "kind": "wav2lip", "size": size,
        "audio": {"name": "mel"}, "face": {"name": "video", "order": "BGR"},
        "output": {"name": "out", "order": "BGR"},
    }  # fmt: skip
    return _write(folder, fields, change)


def musetalk(folder: Path, **change: Any) -> Path:
    """Graphs of MuseTalk's shapes, the pictures and latents a quarter as large."""
    folder.mkdir(exist_ok=True)
    write_graph(folder / "hear.onnx", {"mel": [1, 80, 40]}, "heard", [1, 20, 5, 384], "Tanh")
    write_graph(folder / "encode.onnx", {"x": [1, 3, 64, 64]}, "z", [1, 4, 8, 8], "Tanh")
    write_graph(folder / "decode.onnx", {"z": [1, 4, 8, 8]}, "x", [1, 3, 64, 64], "Tanh", 9.0)
    inputs = {"a": [1, 50, 384], "l": [1, 8, 8, 8], "t": [1]}
    write_graph(folder / "unet.onnx", inputs, "out", [1, 4, 8, 8], "Tanh", 9.0)
    fields: dict[str, Any] = {
        "name": "tiny-musetalk", "task": "lip-sync", "kind": "musetalk", "size": 64,
        "model": "unet.onnx", "timestep": "t",
        "audio": {
            "name": "a", "through": {"model": "hear.onnx", "input": "mel", "output": "heard"},
        },
        "face": {
            "name": "l", **_halves(),
            "through": {"model": "encode.onnx", "input": "x", "output": "z"},
        },
        "output": {
            "name": "out", "through": {"model": "decode.onnx", "input": "z", "output": "x"},
            **_halves(),
        },
    }  # fmt: skip
    return _write(folder, fields, change)


def _halves() -> dict[str, list[float]]:
    """Pixels in -1..1; made anew, for YAML would write an alias."""
    return {"mean": [127.5] * 3, "scale": [1 / 127.5] * 3}


def _write(folder: Path, fields: dict[str, Any], change: dict[str, Any]) -> Path:
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump({**fields, **change}))
    return path
