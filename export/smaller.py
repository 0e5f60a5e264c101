"""The same network with a smaller input, for machines that cannot keep up (load shedding)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml

from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting

# Of each side, rounded to what the encoder wants: 288x160 becomes 192x112, 0.47 of the pixels. At
# 176x96 it lost twice as many points on strangers, more than the three that it may.
_SCALE, _MULTIPLE = 2 / 3, 16
_STYLE: dict[str, Any] = {"sort_keys": False, "width": 200, "default_flow_style": None}


def smaller_size(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of the smaller input."""
    columns, rows = (max(1, round(_SCALE * side / _MULTIPLE)) for side in (width, height))
    return _MULTIPLE * columns, _MULTIPLE * rows


def shrink(folder: Path, out: Path) -> Path:
    """Write the network in ``folder`` into ``out`` (beside it), with a smaller input.

    The network's own manifest names the smaller one from then on. Returns its ONNX file.

    Raises ModelError when the network cannot be read or does not run at that size.
    """
    manifest, _ = load_manifest(folder / "manifest.yaml")
    target = at_size(folder, out, smaller_size(manifest.input.width, manifest.input.height))
    text = yaml.safe_load((folder / "manifest.yaml").read_text())
    if text.get("smaller") != out.name:
        (folder / "manifest.yaml").write_text(_named(text, out.name))
    return target


def turn(folder: Path, out: Path) -> Path:
    """Write the network in ``folder`` into ``out`` with its sides changed, for upright people.

    Returns its ONNX file. Raises ModelError as ``shrink`` does.
    """
    manifest, _ = load_manifest(folder / "manifest.yaml")
    return at_size(folder, out, (manifest.input.height, manifest.input.width))


def at_size(folder: Path, out: Path, size: tuple[int, int]) -> Path:
    """Write the network in ``folder`` into ``out`` with an input of ``size``, columns and rows.

    The weights are the same; the graph must say nowhere how large its picture is but at its ends.

    Raises ModelError when the network cannot be read or does not run at that size.
    """
    manifest, model_path = load_manifest(folder / "manifest.yaml")
    before = (manifest.input.height, manifest.input.width)
    width, height = size
    model = onnx.load(model_path)
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        for a, b in zip(list(dims)[:-1], list(dims)[1:], strict=True):
            if (a.dim_value, b.dim_value) == before:
                a.dim_value, b.dim_value = height, width
    del model.graph.value_info[:]
    out.mkdir(parents=True, exist_ok=True)
    target = out / "model.onnx"
    onnx.save(model, target)
    text = yaml.safe_load((folder / "manifest.yaml").read_text())
    written = {
        **text, "name": out.name, "title": f"{manifest.title}; at {width}x{height}",
        "model": "model.onnx", "input": {**text["input"], "width": width, "height": height},
        "state": [{**state, "shape": _resized(state["shape"], before, size)}
                  for state in text.get("state", [])],
        "figures": {},
    }  # fmt: skip
    written.pop("smaller", None)
    (out / "manifest.yaml").write_text(yaml.safe_dump(written, **_STYLE))
    network = OnnxRuntimeMatting(*load_manifest(out / "manifest.yaml"), threads=1)
    network.input[:] = np.random.default_rng(0).uniform(-1, 1, network.input.shape)
    alpha = network.infer()
    if alpha.shape != (height, width) or not np.isfinite(alpha).all():
        raise ValueError(f"{target}: gives {alpha.shape} of input {height}x{width}, or NaN")
    return target


def _resized(shape: list[int], before: tuple[int, int], size: tuple[int, int]) -> list[int]:
    """A state's shape, where it has the picture's rows and columns next to each other."""
    result = list(shape)
    for index in range(len(shape) - 1):
        if (shape[index], shape[index + 1]) == before:
            result[index], result[index + 1] = size[1], size[0]
    return result


def _named(text: dict[str, object], name: str) -> str:
    """The manifest, with ``smaller`` after ``model``."""
    named: dict[str, object] = {}
    for key, value in text.items():
        if key != "smaller":
            named[key] = value
        if key == "model":
            named["smaller"] = name
    return yaml.safe_dump({"smaller": name, **named} if "model" not in named else named, **_STYLE)
