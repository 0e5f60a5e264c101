"""The converter of TensorFlow Lite: whatever the file holds, it becomes a graph or is refused.

A case is the bytes of a file: a small network spoiled, or a whole file in which any operator has
any inputs and options.
"""

from __future__ import annotations

import random
import struct
import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np
import onnx

from appliance.errors import ModelError
from appliance.tools.importers.tflite.convert import convert
from appliance.tools.importers.tflite.operators import OPERATORS
from tests.fuzz.harness import Target, main
from tests.fuzz.mutate import spoiled
from tests.tools.importers.tflite_file import Made, tiny_selfie

WORDS = tuple(
    struct.pack("<I", number)
    for number in (
        0,
        1,
        2,
        3,
        4,
        8,
        127,
        128,
        255,
        65535,
        2**16,
        2**24,
        2**31 - 1,
        2**31,
        2**32 - 1,
    )
)
_CUSTOM = (
    b"",
    struct.pack("<3i", 1, 2, 2),
    struct.pack("<3i", 2, 1, 1),
    struct.pack("<3i", 9, 0, -1),
)
_KINDS = ("float32", "float32", "float16", "int32", "uint8")


class TfliteTarget(Target):
    name = "tflite"

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._whole = tiny_selfie(16, 16)

    def __enter__(self) -> TfliteTarget:
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        assert self._folder is not None
        self._folder.cleanup()

    def generate(self, rng: random.Random) -> bytes:
        if rng.random() < 0.5:
            # The mark stays: what lacks it is refused before anything is read.
            return self._whole[:8] + spoiled(self._whole[8:], WORDS, rng)
        made = _anything(rng).file()
        return made if rng.random() < 0.8 else made[:8] + spoiled(made[8:], WORDS, rng, 2)

    def run(self, case: bytes) -> None:
        assert self._folder is not None
        path = Path(self._folder.name) / "net.tflite"
        path.write_bytes(case)
        try:
            model = convert(path)
        except ModelError as error:
            _judge(str(error), path)
            return
        onnx.checker.check_model(model)


def _judge(text: str, path: Path) -> None:
    assert text.startswith(f"{path}: "), f"nowhere: {text}"
    assert len(text) < 3000, f"long: {len(text)} characters"
    assert text.isprintable(), f"unprintable: {text!r}"


def _anything(rng: random.Random) -> Made:
    made = Made()
    for n in range(6):
        sides = rng.choice((0, 1, 2, 4, 4, 4, 5))
        shape = tuple(rng.choice((1, 2, 3, 4)) for _ in range(sides))
        kind = rng.choice(_KINDS)
        if rng.random() < 0.5:
            values = [rng.randrange(4) for _ in range(int(np.prod(shape, dtype=int)))]
            made.constant(f"t{n}", np.asarray(values, kind).reshape(shape))
        else:
            made.tensors.append((f"t{n}", shape, kind, b""))
    for n in range(2):
        made.computed(f"p{n}", 1, 4, 4, rng.choice((1, 3)))
    names = [name for name, *_ in made.tensors]
    made.inputs = ["p0"]
    for _ in range(rng.randint(1, 3)):
        inputs = [rng.choice(("p0", "p0", *names, "")) for _ in range(rng.randint(0, 4))]
        options = {f"i{n}": rng.choice((0, 1, 1, 2, 3)) for n in range(7)}
        kind = rng.choice((*OPERATORS, *OPERATORS, "MAX_POOL_2D", "\x1b[31m"))
        made.run(kind, inputs, rng.choice(names), rng.choice(_CUSTOM), **options)
    made.outputs = [made.operators[-1][2][0]]
    return made


TARGET = TfliteTarget()

if __name__ == "__main__":
    main(TARGET)
