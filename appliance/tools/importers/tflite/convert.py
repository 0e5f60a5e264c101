"""A TensorFlow Lite network as an ONNX graph: NCHW, float32, every shape known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import ModelError
from appliance.tools.engine.graph import onnx, require_onnx, shape_of
from appliance.tools.importers.tflite.builder import Builder
from appliance.tools.importers.tflite.network import Network, read_network
from appliance.tools.importers.tflite.operators import OPERATORS

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

_OPSET, _IR = 17, 8
_ELSEWHERE = "convert it to ONNX with a converter of its own (tf2onnx), and add that"


def convert(path: Path) -> ModelProto:
    """The graph of a .tflite file, checked by ONNX's own checker and shape inference.

    Input and outputs keep their names; a picture of 1 x rows x columns x channels there is one of
    1 x channels x rows x columns here; lists of 1 x numbers, and of 1 x rows x numbers, stay so.
    A quantised network becomes one in floating point, its pictures the real numbers that the
    quantised ones stand for; an ARG_MAX at the end is left out. Raises ModelError for a file that
    is malformed or has what cannot be taken over, MissingDependency without onnx.
    """
    require_onnx()
    network = read_network(path)
    network = _without_choice(network)
    builder = Builder(network)
    unknown = sorted({o.name for o in network.operators} - set(OPERATORS))
    if unknown:
        more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        raise ModelError(
            f"{path}: operators that cannot be taken over: {', '.join(unknown[:8])}{more}; "
            f"{_ELSEWHERE}"
        )
    try:
        for operator in network.operators:
            shape = builder.result(operator).shape
            free = operator.name in ("DEQUANTIZE", "RESHAPE")
            lists = operator.name == "CONCATENATION" and len(shape) == 3
            if not free and not lists and len(shape) != 4:
                raise ModelError(f"{operator.name}: a result of {shape}, expected four dimensions")
            OPERATORS[operator.name](builder, operator)
        return _checked(_model(builder), network, builder)
    except ModelError as error:
        raise ModelError(f"{path}: {error}; {_ELSEWHERE}") from error


def _without_choice(network: Network) -> Network:
    """Without the ARG_MAX at the end: what it chooses from says more than what it chose."""
    last = network.operators[-1] if network.operators else None
    if last is None or last.name != "ARG_MAX" or last.outputs != network.outputs:
        return network
    return replace(network, operators=network.operators[:-1], outputs=last.inputs[:1])


def _model(builder: Builder) -> ModelProto:
    network = builder.network
    if len(network.inputs) != 1 or not network.outputs:
        raise ModelError(
            f"{len(network.inputs)} inputs and {len(network.outputs)} outputs, expected 1 and 1"
        )
    graph = onnx.helper.make_graph(
        builder.nodes,
        "from_tflite",
        [_described(builder, n, (4,)) for n in network.inputs],
        [_described(builder, n, (2, 3, 4)) for n in network.outputs],
        builder.initializers,
    )
    opset = onnx.helper.make_opsetid("", _OPSET)
    return onnx.helper.make_model(
        graph, opset_imports=[opset], ir_version=_IR, producer_name="mattebox"
    )


def _turned(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape


def _described(builder: Builder, number: int, ranks: tuple[int, ...]) -> ValueInfoProto:
    """An input or output of the graph: pictures of float32, and at the end lists of numbers."""
    tensor = builder.network.tensors[number]
    if not tensor.real or len(tensor.shape) not in ranks or tensor.data:
        raise ModelError(
            f"{tensor.name!r} is {tensor.kind} of shape {tensor.shape}, expected pictures of "
            "float32, or quantised, four dimensions, at both ends"
        )
    return onnx.helper.make_tensor_value_info(
        builder.name(number), onnx.TensorProto.FLOAT, _turned(tensor.shape)
    )


def _checked(model: ModelProto, network: Network, builder: Builder) -> ModelProto:
    """The model with all its shapes, held against those that the file declares."""
    try:
        onnx.checker.check_model(model)
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:
        detail = " ".join(str(error).split())[:300]
        raise ModelError(f"the operators do not fit together: {detail}") from error
    found = {v.name: shape_of(v) for v in inferred.graph.value_info}
    for number, tensor in enumerate(network.tensors):
        name = builder.name(number)
        if name in found and found[name] != _turned(tensor.shape):
            raise ModelError(
                f"{tensor.name!r} is declared as {_turned(tensor.shape)} (NCHW), its operator "
                f"gives {found[name]}"
            )
    return inferred
