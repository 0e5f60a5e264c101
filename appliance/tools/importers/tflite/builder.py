"""The ONNX graph that is being made out of a TensorFlow Lite network, and what goes into it.

TensorFlow Lite's pictures are NHWC, ONNX's are NCHW. Every tensor of four dimensions is turned as
it comes in, so that no node has to turn any.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from appliance.errors import ModelError
from appliance.tools.engine.graph import onnx
from appliance.tools.importers.tflite.network import Declared, Network, Operator

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

_RELU, _RELU6 = 1, 3
_MOST_BYTES = 512 << 20
"""Of all constants together: a file may have one widened or turned again and again."""
_ACTIVATIONS = {2: "RELU_N1_TO_1", 4: "TANH", 5: "SIGN_BIT"}


class Builder:
    """Nodes and constants so far. Tensors are named by their numbers in the network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self._constants: dict[int, NDArray[np.generic]] = {}
        self._written: set[str] = set()
        self._bytes = 0
        names: dict[str, int] = {}
        for number, tensor in enumerate(network.tensors):
            names.setdefault(tensor.name or f"tensor_{number}", number)
        # ONNX wants every name once; TensorFlow Lite does not mind.
        first = {number: name for name, number in names.items()}
        self._names = [first.get(n, f"{t.name}.{n}") for n, t in enumerate(network.tensors)]

    def tensor(self, operator: Operator, index: int) -> Declared:
        """The operator's input ``index`` as declared. Raises ModelError where it has none."""
        if index >= len(operator.inputs) or operator.inputs[index] < 0:
            raise ModelError(f"{operator.name}: input {index} is missing")
        return self.network.tensors[operator.inputs[index]]

    def result(self, operator: Operator) -> Declared:
        """The operator's only output as declared. Raises ModelError where it has others."""
        if len(operator.outputs) != 1 or operator.outputs[0] < 0:
            raise ModelError(f"{operator.name}: {len(operator.outputs)} outputs, expected 1")
        return self.network.tensors[operator.outputs[0]]

    def name(self, number: int) -> str:
        """What a tensor is called in the graph."""
        return self._names[number]

    def constant(self, operator: Operator, index: int) -> NDArray[np.generic]:
        """The values of the operator's constant input, as TensorFlow Lite lays them out.

        Half precision that was widened by DEQUANTIZE is float32 here, and so is what is quantised.
        Raises ModelError for an input that is computed.
        """
        tensor = self.tensor(operator, index)
        number = operator.inputs[index]
        if number in self._constants:
            return self._constants[number]
        if not tensor.data:
            raise ModelError(f"{operator.name}: {tensor.name!r} is computed, expected a constant")
        return tensor.numbers()

    def widen(self, operator: Operator) -> None:
        """Take a half-precision constant over as the float32 that DEQUANTIZE makes of it."""
        self.result(operator)
        values = self.constant(operator, 0)
        if values.dtype != np.float16:
            raise ModelError(
                f"{operator.name}: {self.tensor(operator, 0).name!r} is {values.dtype}, expected "
                "float16; take the network's version in floating point"
            )
        self._count(2 * values.nbytes)
        self._constants[operator.outputs[0]] = values.astype(np.float32)

    def integers(self, operator: Operator, index: int) -> list[int]:
        """The values of a short constant list of whole numbers."""
        values = self.constant(operator, index).reshape(-1)
        if values.dtype.kind != "i" or len(values) > 4:
            raise ModelError(
                f"{operator.name}: {len(values)} values of {values.dtype}, expected few, int32"
            )
        return [int(v) for v in values]

    def sides(self, operator: Operator, index: int) -> tuple[int, int, int]:
        """Rows, columns and channels of a picture, as declared."""
        tensor = self.tensor(operator, index)
        if len(tensor.shape) != 4:
            raise ModelError(
                f"{operator.name}: {tensor.name!r} has the shape {tensor.shape}, expected four "
                "dimensions"
            )
        return tensor.shape[1], tensor.shape[2], tensor.shape[3]

    def picture(self, operator: Operator, index: int) -> str:
        """The graph's name of an input of four dimensions, or of one that spreads over them.

        A constant is put into the graph on the way. Raises ModelError for another type or shape.
        """
        tensor, number = self.tensor(operator, index), operator.inputs[index]
        if not tensor.data and number not in self._constants:
            if not tensor.real or len(tensor.shape) != 4:
                raise ModelError(
                    f"{operator.name}: {tensor.name!r} is {tensor.kind} of shape {tensor.shape}, "
                    "expected float32, or quantised, of four dimensions"
                )
            return self.name(number)
        values = self.constant(operator, index)
        if values.ndim > 4 or values.dtype.kind != "f":
            raise ModelError(
                f"{operator.name}: {tensor.name!r} is {values.dtype} of shape {values.shape}, "
                "expected floating point of four dimensions at most"
            )
        values = values.reshape((1,) * max(0, 4 - values.ndim) + values.shape)
        return self.write(self.name(number), values.transpose(0, 3, 1, 2))

    def write(self, name: str, values: NDArray[Any]) -> str:
        """Put a constant into the graph, once a name; floating point as float32."""
        if values.dtype.kind == "f":
            values = values.astype(np.float32)
        if name not in self._written:
            self._count(values.nbytes)
            self._written.add(name)
            self.initializers.append(
                onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
            )
        return name

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > _MOST_BYTES:
            raise ModelError(f"constants of more than {_MOST_BYTES >> 20} MB; expected few")

    def add(
        self,
        operator: Operator,
        kind: str,
        inputs: Sequence[str],
        *,
        fused: int = 0,
        **attributes: Any,
    ) -> None:
        """A node for an operator, with the activation that is ``fused`` to it as another."""
        output = self.name(operator.outputs[0])
        made = output if fused == 0 else f"{output}/before"
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [made], **attributes))
        if fused == _RELU:
            self.nodes.append(onnx.helper.make_node("Relu", [made], [output]))
        elif fused == _RELU6:
            self.clip(made, output)
        elif fused:
            name = _ACTIVATIONS.get(fused, f"number {fused}")
            raise ModelError(f"{operator.name} with the activation {name} cannot be taken over")

    def clip(self, source: str, target: str) -> None:
        """Relu6."""
        ends = [self.write(f"clip/{end}", np.asarray(end, np.float32)) for end in (0, 6)]
        self.nodes.append(onnx.helper.make_node("Clip", [source, *ends], [target]))
