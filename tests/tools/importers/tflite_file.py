"""TensorFlow Lite files made by the tests: FlatBuffers written by hand, without the real writer."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Fields = dict[int, Any]
"""A table: (kind, number) for an integer, or bytes, text, a list of int32 or of tables, a table."""

CODES = {
    "ADD": 0, "AVERAGE_POOL_2D": 1, "CONCATENATION": 2, "ARG_MAX": 56, "QUANTIZE": 114,
    "CONV_2D": 3, "DEPTHWISE_CONV_2D": 4, "DEQUANTIZE": 6,
    "LOGISTIC": 14, "MAX_POOL_2D": 17, "MUL": 18, "RELU": 19, "RELU6": 21, "RESIZE_BILINEAR": 23,
    "MEAN": 40, "PRELU": 54, "TRANSPOSE_CONV": 67, "HARD_SWISH": 117, "SOMETHING_NEW": 190,
}  # fmt: skip
KINDS = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3}


@dataclass
class Made:
    """A network to be written. Tensors are named once; operators name theirs."""

    tensors: list[tuple[str, tuple[int, ...], str, bytes]] = field(default_factory=list)
    operators: list[tuple[str, list[str], list[str], Fields, bytes]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    steps: dict[str, Any] = field(default_factory=dict)
    """Scale and zero point, or lists of them, of quantised tensors by their names."""

    def computed(self, name: str, *shape: int, steps: Any = None) -> str:
        self.tensors.append((name, shape, "uint8" if steps else "float32", b""))
        self.steps[name] = steps
        return name

    def constant(self, name: str, values: np.ndarray, steps: Any = None) -> str:
        self.steps[name] = steps
        self.tensors.append((name, values.shape, str(values.dtype), values.tobytes()))
        return name

    def run(
        self, kind: str, inputs: list[str], output: str, custom: bytes = b"", **options: int
    ) -> str:
        """Options are named by letter and number: i1=2 is the int32 field 1."""
        fields: Fields = {int(k[1:]): (k[0], v) for k, v in options.items()}
        self.operators.append((kind, inputs, [output], fields, custom))
        return output

    def _quantised(self, name: str) -> Fields:
        if self.steps.get(name) is None:
            return {}
        scales, zeros = (np.atleast_1d(one) for one in self.steps[name])
        return {4: {2: np.asarray(scales, np.float32), 3: np.asarray(zeros, np.int64)}}

    def file(self) -> bytes:
        names = [name for name, *_ in self.tensors]
        kinds = list(dict.fromkeys(kind for kind, *_ in self.operators))
        codes = [
            {0: ("b", min(CODES[k], 127)), 3: ("i", CODES[k])} if k in CODES
            else {0: ("b", 32), 1: k, 3: ("i", 32)}
            for k in kinds
        ]  # fmt: skip
        graph: Fields = {
            0: [
                {0: list(shape), 1: ("b", KINDS[kind]), 2: ("I", 1 + n), 3: name}
                | self._quantised(name)
                for n, (name, shape, kind, _) in enumerate(self.tensors)
            ],
            1: [names.index(n) for n in self.inputs],
            2: [names.index(n) for n in self.outputs],
            3: [
                {
                    0: ("I", kinds.index(kind)), 1: [names.index(n) if n else -1 for n in inputs],
                    2: [names.index(n) for n in outputs], 4: options, 5: custom,
                }
                for kind, inputs, outputs, options, custom in self.operators
            ],
        }  # fmt: skip
        buffers: list[Fields] = [{}, *({0: data} if data else {} for *_, data in self.tensors)]
        return written({0: ("I", 3), 1: codes, 2: [graph], 3: "made by a test", 4: buffers})


def written(root: Fields) -> bytes:
    """A whole file whose root is this table."""
    data = bytearray(b"\0\0\0\0TFL3")
    struct.pack_into("<I", data, 0, _table(data, root))
    return bytes(data)


def _table(data: bytearray, fields: Fields) -> int:
    slots = max(fields, default=-1) + 1
    offsets = [4 + 4 * i if i in fields else 0 for i in range(slots)]
    start = len(data)
    data += struct.pack(f"<HH{slots}H", 4 + 2 * slots, 4 + 4 * slots, *offsets)
    at = len(data)
    data += struct.pack("<i", at - start) + bytes(4 * slots)
    for index, value in fields.items():
        slot = at + 4 + 4 * index
        if isinstance(value, tuple):
            struct.pack_into("<" + value[0], data, slot, value[1])
        else:
            struct.pack_into("<I", data, slot, _put(data, value) - slot)
    return at


def _put(data: bytearray, value: Any) -> int:
    if isinstance(value, dict):
        return _table(data, value)
    if isinstance(value, str):
        value = value.encode()
    at = len(data)
    data += struct.pack("<I", len(value))
    if isinstance(value, bytes | np.ndarray):
        data += bytes(value)
    elif value and isinstance(value[0], dict):
        data += bytes(4 * len(value))
        for n, table in enumerate(value):
            slot = at + 4 + 4 * n
            struct.pack_into("<I", data, slot, _table(data, table) - slot)
    else:
        data += struct.pack(f"<{len(value)}i", *value)
    return at


def tiny_selfie(rows: int, columns: int, seed: int = 1, output: str = "alpha") -> bytes:
    """The interface of MediaPipe's networks, and one convolution in half precision."""
    rng = np.random.default_rng(seed)
    made = Made()
    made.inputs = [made.computed("input_1", 1, rows, columns, 3)]
    half = made.constant("half", rng.normal(0, 1, (1, 3, 3, 3)).astype(np.float16))
    wide = made.run("DEQUANTIZE", [half], made.computed("wide", 1, 3, 3, 3))
    bias = made.constant("bias", np.zeros(1, np.float32))
    logits = made.run(
        "CONV_2D", ["input_1", wide, bias], made.computed("logits", 1, rows, columns, 1),
        b0=0, i1=1, i2=1,
    )  # fmt: skip
    made.outputs = [made.run("LOGISTIC", [logits], made.computed(output, 1, rows, columns, 1))]
    return made.file()
