"""ONNX graphs: reading, fixing shapes, simplifying, and what all the tools ask of them.

``onnx`` and ``onnxslim`` come with the extra ``engines``; running the appliance needs neither.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.errors import MissingDependency, ModelError

if TYPE_CHECKING:
    from onnx import ModelProto

try:
    import onnx as onnx  # re-exported for the other modules
    from onnx import numpy_helper, shape_inference
except ImportError:  # pragma: no cover - present in the tests
    onnx = None  # type: ignore[assignment]

_INSTALL = f"install it with: {sys.executable} -m pip install onnx onnxslim"


def require_onnx() -> None:
    """Raises MissingDependency where the onnx package is not installed."""
    if onnx is None:
        raise MissingDependency(f"the onnx package is not installed; {_INSTALL}")


def read_graph(path: Path) -> ModelProto:
    """Read an ONNX file. Raises ModelError if it is not one, MissingDependency without onnx."""
    require_onnx()
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:
        detail = " ".join(str(error).split())[:300]
        raise ModelError(f"{path}: not a valid ONNX file: {detail}") from error
    return model


def shape_of(value: Any) -> tuple[int | str, ...]:
    """The shape of an input or output; a dynamic dimension is its name, or "?"."""
    return tuple(
        d.dim_value if d.HasField("dim_value") else (d.dim_param or "?")
        for d in value.type.tensor_type.shape.dim
    )


def graph_inputs(model: ModelProto) -> dict[str, tuple[int | str, ...]]:
    """The graph's inputs other than initializers, with their shapes."""
    constants = {i.name for i in model.graph.initializer}
    return {i.name: shape_of(i) for i in model.graph.input if i.name not in constants}


def graph_outputs(model: ModelProto) -> dict[str, tuple[int | str, ...]]:
    """The graph's outputs, with their shapes."""
    return {o.name: shape_of(o) for o in model.graph.output}


def set_input_shapes(model: ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Fix the inputs' shapes in place; all other shapes must be inferred again."""
    for value in model.graph.input:
        if value.name in shapes:
            dims = value.type.tensor_type.shape
            del dims.dim[:]
            for size in shapes[value.name]:
                dims.dim.add().dim_value = size
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def bake_constant(model: ModelProto, name: str, value: np.ndarray) -> None:
    """Turn an input into a constant, in place. ``value`` has the input's dtype."""
    for index, tensor in enumerate(model.graph.input):
        if tensor.name == name:
            del model.graph.input[index]
            break
    model.graph.initializer.append(numpy_helper.from_array(value, name))


def simplify(model: ModelProto) -> ModelProto:
    """Fold constants, remove no-ops, infer shapes.

    Raises MissingDependency without onnxslim, ModelError when that cannot make sense of the graph.
    """
    try:
        import onnxslim
    except ImportError as error:
        raise MissingDependency(f"simplifying needs the onnxslim package; {_INSTALL}") from error
    try:
        slimmed = onnxslim.slim(model)
        inferred = shape_inference.infer_shapes(slimmed, data_prop=True)
    except Exception as error:
        detail = " ".join(str(error).split())[:300]
        raise ModelError(
            f"the graph cannot be simplified: {type(error).__name__} {detail}"
        ) from error
    return inferred


def named(model: ModelProto) -> ModelProto:
    """A copy in which each node has a unique name, and constants are initializers."""
    copy = type(model)()
    copy.CopyFrom(model)
    seen: set[str] = set()
    nodes = []
    for index, node in enumerate(copy.graph.node):
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            copy.graph.initializer.append(tensor)
            continue
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}_{index}"
        seen.add(node.name)
        nodes.append(type(node).FromString(node.SerializeToString()))
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def tensor_types(model: ModelProto) -> dict[str, int]:
    """The element type of every tensor of the graph, as an ``onnx.TensorProto`` number.

    Raises ModelError for a tensor whose type cannot be determined.
    """
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    graph = inferred.graph
    types = {i.name: i.data_type for i in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        types[value.name] = value.type.tensor_type.elem_type
    for node in graph.node:
        for name in node.output:
            if name and not types.get(name):
                raise ModelError(
                    f"the type of {name!r}, made by {node.op_type} {node.name!r}, cannot be told; "
                    "simplify the graph first (onnxslim)"
                )
    return types
