"""FP16 written into the graph: what a strongly typed engine is built from.

Inputs and outputs stay FP32, so that one manifest serves both. Nodes that FP16 cannot hold stay in
FP32, with casts around them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from appliance.errors import ModelError
from appliance.tools.engine.graph import named, onnx, tensor_types

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

# They have no FP16 form, make their own numbers, or are INT8's own.
_ALWAYS_FP32 = frozenset(
    {
        "ConstantOfShape", "DequantizeLinear", "EyeLike", "NonMaxSuppression", "QuantizeLinear",
        "RandomNormal", "RandomUniform", "Range", "RoiAlign",
    }
)  # fmt: skip
# Inputs that the operator wants in FP32, whatever the data is in.
_FP32_INPUTS = {"Resize": {1, 2}, "Upsample": {1}}


def float_nodes(model: ModelProto) -> list[str]:
    """The names of the nodes that compute in FP32 and could in FP16, in the graph's order.

    ``model`` must have been through ``named``.
    """
    kinds = tensor_types(model)
    full = onnx.TensorProto.FLOAT
    return [
        node.name
        for node in model.graph.node
        if node.op_type not in _ALWAYS_FP32
        and any(kinds.get(n) == full for n in (*node.input, *node.output) if n)
    ]


def to_half(model: ModelProto, keep: Collection[str] = ()) -> ModelProto:
    """The graph with FP16 weights and maps, but for the nodes named in ``keep``.

    Raises ModelError when the graph has control flow.
    """
    return _Half(named(model), frozenset(keep), rounded=False).graph()


def rounded_twin(model: ModelProto, keep: Collection[str] = ()) -> ModelProto:
    """The same in FP32, each FP16 map and weight rounded to FP16 where ``to_half`` stores it.

    For a runtime without FP16 arithmetic. ONNX Runtime on a CPU runs the FP16 graph itself in
    FP32 and does *not* round in between: what overflows there goes unseen. Here it becomes
    infinite, as it does on a GPU.
    """
    return _Half(named(model), frozenset(keep), rounded=True).graph()


class _Half:
    """One conversion. A tensor has a home precision, its maker's; casts give it in the other."""

    def __init__(self, model: ModelProto, keep: frozenset[str], *, rounded: bool) -> None:
        self._model, self._rounded = model, rounded
        self._types = tensor_types(model)
        self._half_nodes = frozenset(float_nodes(model)) - keep
        self._constants = {i.name: i for i in model.graph.initializer}
        self._outputs = {o.name for o in model.graph.output}
        # Tensors at home in FP16 and what they are stored as; casts that were made already.
        self._stored: dict[str, str] = {}
        self._to_full: dict[str, str] = {}
        self._to_half: dict[str, str] = {}
        self._nodes: list[NodeProto] = []
        self._added: list[onnx.TensorProto] = []

    def graph(self) -> ModelProto:
        for node in self._model.graph.node:
            if any(a.HasField("g") or a.graphs for a in node.attribute):
                raise ModelError(
                    f"node {node.name!r} is control flow ({node.op_type}); TensorRT's FP16 graph "
                    "wants none: export the network with fixed shapes, or use --precision fp32"
                )
            self._node(node, half=node.name in self._half_nodes)
        for name in self._outputs & set(self._stored):
            self._as_full(name)
        result = type(self._model)()
        result.CopyFrom(self._model)
        graph: GraphProto = result.graph
        del graph.node[:]
        graph.node.extend(self._nodes)
        used = {name for node in self._nodes for name in node.input} | self._outputs
        constants = [i for i in (*graph.initializer, *self._added) if i.name in used]
        kept = [type(i).FromString(i.SerializeToString()) for i in constants]
        del graph.initializer[:]
        graph.initializer.extend(kept)
        inputs = [i for i in graph.input if i.name not in self._constants]
        kept_inputs = [type(i).FromString(i.SerializeToString()) for i in inputs]
        del graph.input[:]
        graph.input.extend(kept_inputs)
        # They tell of types that have changed.
        del graph.value_info[:]
        return result

    def _is_float(self, name: str) -> bool:
        return self._types.get(name) == onnx.TensorProto.FLOAT

    def _cast(self, source: str, target: str, to: int) -> None:
        self._nodes.append(
            onnx.helper.make_node("Cast", [source], [target], name=f"cast_{target}", to=to)
        )

    def _round(self, source: str, target: str) -> None:
        self._cast(source, f"{target}__r", onnx.TensorProto.FLOAT16)
        self._cast(f"{target}__r", target, onnx.TensorProto.FLOAT)

    def _node(self, node: NodeProto, *, half: bool) -> None:
        copy = type(node).FromString(node.SerializeToString())
        wants_full = _FP32_INPUTS.get(node.op_type, set())
        for index, name in enumerate(node.input):
            if name and self._is_float(name):
                as_half = half and index not in wants_full
                copy.input[index] = self._as_half(name) if as_half else self._as_full(name)
        made = [(i, n) for i, n in enumerate(node.output) if n and self._is_float(n) and half]
        if half and node.op_type == "Cast" and made and not self._rounded:
            copy.attribute[0].i = onnx.TensorProto.FLOAT16
        self._nodes.append(copy)
        for index, name in made:
            if self._rounded:
                copy.output[index] = f"{name}__raw"
                self._round(f"{name}__raw", name)
                self._stored[name] = self._to_full[name] = name
            else:
                stored = f"{name}__fp16" if name in self._outputs else name
                copy.output[index] = stored
                self._stored[name] = stored

    def _as_half(self, name: str) -> str:
        if name in self._stored:
            return self._stored[name]
        if name not in self._to_half:
            alias = self._to_half[name] = f"{name}__fp16"
            if name in self._constants:
                self._add_constant(name, alias)
            elif self._rounded:
                self._round(name, alias)
            else:
                self._cast(name, alias, onnx.TensorProto.FLOAT16)
        return self._to_half[name]

    def _as_full(self, name: str) -> str:
        if name not in self._stored:
            return name
        if name not in self._to_full:
            alias = self._to_full[name] = name if name in self._outputs else f"{name}__fp32"
            self._cast(self._stored[name], alias, onnx.TensorProto.FLOAT)
        return self._to_full[name]

    def _add_constant(self, name: str, alias: str) -> None:
        value = onnx.numpy_helper.to_array(self._constants[name])
        with np.errstate(over="ignore"):
            small = value.astype(np.float16)
        stored = small.astype(np.float32) if self._rounded else small
        self._added.append(onnx.numpy_helper.from_array(stored, alias))
