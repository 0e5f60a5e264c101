"""The same network with other inputs: smaller ones (load shedding), upright ones (standing people).

    python -m export.sizes engines/portrait     # all of them anew, from the model.onnx there

The weights are the same, so that git packs each further size into a few hundred bytes.
"""

from __future__ import annotations

import sys
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
_AT, _OTHERS = "; at ", ("smaller", "upright")
_STYLE: dict[str, Any] = {"sort_keys": False, "width": 200, "default_flow_style": None}


def smaller_size(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of the smaller input."""
    columns, rows = (max(1, round(_SCALE * side / _MULTIPLE)) for side in (width, height))
    return _MULTIPLE * columns, _MULTIPLE * rows


def write_sizes(folder: Path) -> tuple[Path, ...]:
    """Write the network in ``folder`` at its other sizes beside it: small, upright, both.

    The upright ones are named by the manifests only where they were already: whether a network is
    better for upright people that way is to be measured.

    Returns their ONNX files. Raises ModelError as ``shrink`` does.
    """
    small = folder.with_name(f"{folder.name}-small")
    made = [shrink(folder, small)]
    manifest, _ = load_manifest(folder / "manifest.yaml")
    if manifest.input.width > manifest.input.height:
        used = bool(manifest.upright)
        made += [
            turn(wide, wide.with_name(f"{wide.name}-upright"), named=used)
            for wide in (folder, small)
        ]
    return tuple(made)


def shrink(folder: Path, out: Path) -> Path:
    """Write the network in ``folder`` into ``out`` (beside it), with a smaller input.

    The network's own manifest names the smaller one from then on. Returns its ONNX file.

    Raises ModelError when the network cannot be read or does not run at that size.
    """
    manifest, _ = load_manifest(folder / "manifest.yaml")
    target = at_size(folder, out, smaller_size(manifest.input.width, manifest.input.height))
    _name(folder, "smaller", out.name)
    return target


def turn(folder: Path, out: Path, *, named: bool = True) -> Path:
    """Write the network in ``folder`` into ``out`` (beside it) with its sides changed.

    It is for upright people. ``named``: the network's own manifest names it from then on, so that
    it is used. Returns its ONNX file. Raises ModelError as ``shrink`` does.
    """
    manifest, _ = load_manifest(folder / "manifest.yaml")
    target = at_size(folder, out, (manifest.input.height, manifest.input.width))
    if named:
        _name(folder, "upright", out.name)
    return target


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
        **text, "name": out.name,
        "title": f"{manifest.title.partition(_AT)[0]}{_AT}{width}x{height}",
        "model": "model.onnx", "input": {**text["input"], "width": width, "height": height},
        "state": [{**state, "shape": _resized(state["shape"], before, size)}
                  for state in text.get("state", [])],
        "figures": {},
    }  # fmt: skip
    for other in _OTHERS:
        written.pop(other, None)
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


def _name(folder: Path, key: str, name: str) -> None:
    """Have the manifest in ``folder`` name a folder beside it, by a key after ``model``."""
    path = folder / "manifest.yaml"
    text: dict[str, object] = yaml.safe_load(path.read_text())
    if text.get(key) == name:
        return
    others = {known: value for known, value in {**text, key: name}.items() if known in _OTHERS}
    named: dict[str, object] = {} if "model" in text else dict(others)
    for known, value in text.items():
        if known not in _OTHERS:
            named[known] = value
        if known == "model":
            named |= others
    path.write_text(yaml.safe_dump(named, **_STYLE))


if __name__ == "__main__":
    for made in write_sizes(Path(sys.argv[1])):
        print(made)
