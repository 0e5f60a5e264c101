"""Which nodes FP16 cannot hold: found from the ranges of their tensors on real frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from appliance.media.frame import F32
from appliance.networks.manifest import Manifest
from appliance.tools.engine.graph import onnx, tensor_types
from appliance.tools.engine.precision import float_nodes
from appliance.tools.engine.run_graph import GraphRun

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

LARGEST = 65504.0
SMALLEST = 6.1e-5
"""FP16's largest finite and smallest normal number."""

HEADROOM = 4.0
"""How many times larger than on the frames seen a value may grow on others."""

# They add up so many values that the sum overflows before it is divided.
_SUMS = frozenset(
    {"GlobalAveragePool", "InstanceNormalization", "LayerNormalization", "ReduceMean", "ReduceSum",
     "ReduceL2", "ReduceSumSquare"}
)  # fmt: skip
_DENOMINATORS = {"Div": 1, "Reciprocal": 0, "Log": 0, "Sqrt": 0}


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """Magnitudes of one tensor's values: largest, and smallest above zero; its size."""

    largest: float
    smallest: float
    size: int


def measure(model: ModelProto, manifest: Manifest, tensors: Sequence[F32]) -> dict[str, Magnitudes]:
    """The ranges of all FP32 tensors of the graph over these inputs, weights included.

    ``model`` must have been through ``named``.
    """
    kinds = tensor_types(model)
    full = onnx.TensorProto.FLOAT
    made = [n for node in model.graph.node for n in node.output if n and kinds[n] == full]
    known = {o.name for o in model.graph.output}
    bare = type(model)()
    bare.CopyFrom(model)
    bare.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in made if name not in known
    )
    run = GraphRun(bare, manifest, tuple(made))
    found = {
        i.name: _range(onnx.numpy_helper.to_array(i))
        for i in model.graph.initializer
        if i.data_type == full
    }
    for tensor in tensors:
        for name, value in (manifest.input.name, tensor), *run(tensor)[1].items():
            now = _range(np.asarray(value))
            before = found.get(name, now)
            found[name] = Magnitudes(
                max(before.largest, now.largest), min(before.smallest, now.smallest), now.size
            )
    return found


def _range(value: np.ndarray) -> Magnitudes:
    size = np.abs(value.astype(np.float32, copy=False))
    positive = size[size > 0]
    smallest = float(positive.min()) if positive.size else math.inf
    # A NaN in FP32 already is the network's own fault; it counts as too large for FP16.
    largest = float(size.max()) if size.size else 0.0
    return Magnitudes(math.inf if math.isnan(largest) else largest, smallest, value.size)


def unsafe_nodes(model: ModelProto, ranges: dict[str, Magnitudes]) -> tuple[str, ...]:
    """The names of the nodes that must stay in FP32, in the graph's order."""
    candidates = set(float_nodes(model))
    constants = {i.name for i in model.graph.initializer}
    return tuple(
        node.name
        for node in model.graph.node
        if node.name in candidates and _unsafe(node, ranges, constants)
    )


def _unsafe(node: NodeProto, ranges: dict[str, Magnitudes], constants: set[str]) -> bool:
    for name in (*node.input, *node.output):
        if name in ranges:
            room = 1.0 if name in constants else HEADROOM
            if ranges[name].largest * room > LARGEST:
                return True
    if node.op_type in _SUMS and node.input[0] in ranges:
        taken = ranges[node.input[0]]
        into = ranges[node.output[0]].size if node.op_type.startswith(("Reduce", "Global")) else 1
        power = 2 if node.op_type in {"ReduceL2", "ReduceSumSquare"} else 1
        if taken.largest**power * (taken.size / max(into, 1)) * HEADROOM > LARGEST:
            return True
    index = _DENOMINATORS.get(node.op_type)
    if index is not None and node.input[index] in ranges:
        return ranges[node.input[index]].smallest < SMALLEST
    return False
