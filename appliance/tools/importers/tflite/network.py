"""A .tflite file as what it says: tensors, and the operators between them.

The numbers of fields, operators and types are those of TensorFlow Lite's published schema,
version 3.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.errors import ModelError
from appliance.tools.importers.tflite.flatbuffer import Flat, Malformed, Table

_TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 9: "int8"}
_OPERATORS = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE", 6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC",
    17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6", 22: "RESHAPE", 23: "RESIZE_BILINEAR",
    25: "SOFTMAX", 28: "TANH", 34: "PAD", 36: "GATHER", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB",
    42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 49: "SPLIT", 53: "CAST", 54: "PRELU",
    56: "ARG_MAX", 67: "TRANSPOSE_CONV", 83: "PACK", 97: "RESIZE_NEAREST_NEIGHBOR",
    98: "LEAKY_RELU", 114: "QUANTIZE", 117: "HARD_SWISH",
}  # fmt: skip
_CUSTOM = 32

# Far above what a network has that mattes in real time; a file that goes beyond is no such network.
_MOST_BYTES = 256 << 20
_MOST_CHANNELS = 1 << 16
_MOST_TENSORS, _MOST_OPERATORS, _MOST_CODES, _MOST_ENDS = 20_000, 10_000, 1_000, 64
_MOST_VALUES = 1 << 26
"""Of one tensor: 4096x4096 pixels in four channels."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What the whole numbers of a quantised tensor stand for: ``scale * (number - zero)``.

    One of each, or one for each place along ``axis``.
    """

    scales: tuple[float, ...]
    zeros: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True)
class Declared:
    """One tensor as declared; ``data`` is empty for one that is computed.

    Attributes:
        steps: of a quantised tensor; None: its values stand for themselves.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    data: memoryview
    steps: Steps | None = None

    @property
    def real(self) -> bool:
        """Whether it stands for real numbers: float32, or quantised."""
        return self.kind == "float32" or self.steps is not None

    def numbers(self) -> NDArray[np.generic]:
        """The constant's values as float32 where it is quantised, else in its own type.

        Raises ModelError where there are too few.
        """
        values, steps = self.values(), self.steps
        if steps is None:
            return values
        along = [1] * values.ndim
        if len(steps.scales) > 1:
            along[steps.axis] = len(steps.scales)
        scales = np.asarray(steps.scales, np.float32).reshape(along)
        zeros = np.asarray(steps.zeros, np.int64).reshape(along)
        return np.asarray((values.astype(np.int64) - zeros).astype(np.float32) * scales)

    def values(self) -> NDArray[np.generic]:
        """The constant's values, in its own type. Raises ModelError where there are too few."""
        if self.kind not in _TYPES.values():
            raise Malformed(f"tensor {self.name!r} has values of {self.kind}, expected float32")
        kind = np.dtype(self.kind).newbyteorder("<")
        if len(self.data) != prod(self.shape) * kind.itemsize:
            raise Malformed(
                f"tensor {self.name!r}: {len(self.data):,} bytes, expected "
                f"{prod(self.shape):,} values of {self.kind}"
            )
        return np.frombuffer(self.data, kind).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator. Inputs and outputs are numbers of tensors; an input that is left out is -1."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    custom: bytes

    def option(self, index: int, kind: str = "b", default: int = 0) -> int:
        """A field of the operator's own options; its default where there are none."""
        return default if self.options is None else self.options.number(index, kind, default)


@dataclass(frozen=True, slots=True)
class Network:
    """A whole network: one picture in, the operators in the order of their running."""

    tensors: tuple[Declared, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_network(path: Path) -> Network:
    """Read a .tflite file.

    Raises ModelError when it cannot be read, is something else, is cut short, or is none of the
    networks that can be taken over: more than one subgraph, sizes left open, absurd sizes.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            # No more than is wanted: Python makes room for all that is asked for.
            data = file.read(size) if size <= _MOST_BYTES else b""
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    if size > _MOST_BYTES:
        raise ModelError(f"{path}: {size:,} bytes, expected at most {_MOST_BYTES:,}")
    if data[4:8] != b"TFL3":
        raise ModelError(
            f"{path}: {len(data):,} bytes, the mark {data[4:8]!r}; expected b'TFL3', that of a "
            "TensorFlow Lite file; fetch it anew"
        )
    try:
        return _network(Flat(data))
    except Malformed as error:
        raise Malformed(
            f"{path}: not a whole TensorFlow Lite file: {error}; fetch it anew"
        ) from error


def _network(flat: Flat) -> Network:
    model = flat.root()
    version = model.number(0, "I")
    if version != 3:
        raise Malformed(f"the schema's version is {version}, expected 3")
    codes = [_name(code) for code in model.tables(1, _MOST_CODES)]
    graphs = list(model.tables(2, _MOST_ENDS))
    if len(graphs) != 1:
        raise Malformed(f"{len(graphs)} graphs, expected 1")
    buffers = [buffer.raw(0) for buffer in model.tables(4, _MOST_TENSORS)]
    tensors = tuple(_tensor(t, buffers) for t in graphs[0].tables(0, _MOST_TENSORS))
    operators = tuple(_operator(o, codes) for o in graphs[0].tables(3, _MOST_OPERATORS))
    network = Network(
        tensors, operators, graphs[0].integers(1, _MOST_ENDS), graphs[0].integers(2, _MOST_ENDS)
    )
    # Tensors may share a buffer, but not so that a small file becomes a huge network.
    if sum(len(t.data) for t in tensors) > 4 * len(flat.data):
        raise Malformed("its constants are said to be four times as large as the file")
    for numbers in ((o.inputs + o.outputs) for o in operators):
        _must_be_tensors(numbers, -1, tensors)
    _must_be_tensors(network.inputs + network.outputs, 0, tensors)
    return network


def _must_be_tensors(numbers: tuple[int, ...], least: int, tensors: tuple[Declared, ...]) -> None:
    for number in numbers:
        if not least <= number < len(tensors):
            raise Malformed(f"tensor number {number} is asked for, there are {len(tensors)}")


def _name(code: Table) -> str:
    # Newer files have numbers above 127 in a second field, and 127 in the first.
    number = max(code.number(0, "b"), code.number(3, "i"))
    if number == _CUSTOM:
        name = code.text(1, 256)
        return name if name.isprintable() and name else ascii(name)
    return _OPERATORS.get(number, f"number {number}")


def _tensor(table: Table, buffers: list[memoryview]) -> Declared:
    name, shape = table.text(3), table.integers(0, 8)
    kind, buffer = table.number(1, "b"), table.number(2, "I")
    if any(side < 1 for side in shape) or prod(shape) > _MOST_VALUES:
        raise Malformed(f"tensor {name!r} has the shape {shape}: open, or absurdly large")
    if buffer >= len(buffers):
        raise Malformed(f"tensor {name!r}: buffer {buffer} is asked for, there are {len(buffers)}")
    steps = _steps(name, shape, table.table(4))
    return Declared(name, shape, _TYPES.get(kind, f"type {kind}"), buffers[buffer], steps)


def _steps(name: str, shape: tuple[int, ...], table: Table | None) -> Steps | None:
    """A tensor's quantisation; None where it has none."""
    scales = () if table is None else table.floats(2, _MOST_CHANNELS)
    if table is None or not scales:
        return None
    zeros = table.integers(3, _MOST_CHANNELS, "q") or (0,) * len(scales)
    axis = table.number(6, "i")
    # One of each serves for the whole tensor, along whichever axis.
    many = len(scales) > 1
    fits = not many or (0 <= axis < len(shape) and shape[axis] == len(scales))
    finite = all(0 < scale < float("inf") for scale in scales)
    if len(zeros) != len(scales) or not fits or not finite:
        raise Malformed(
            f"tensor {name!r} of shape {shape}: {len(scales)} scales and {len(zeros)} zero points "
            f"along axis {axis}; expected one of each, or as many as the axis has, all above 0"
        )
    return Steps(scales, zeros, axis)


def _operator(table: Table, codes: list[str]) -> Operator:
    code = table.number(0, "I")
    if code >= len(codes):
        raise Malformed(f"operator code {code} is asked for, there are {len(codes)}")
    inputs, outputs = table.integers(1, _MOST_ENDS), table.integers(2, _MOST_ENDS)
    return Operator(codes[code], inputs, outputs, table.table(4), bytes(table.raw(5, 4096)))
