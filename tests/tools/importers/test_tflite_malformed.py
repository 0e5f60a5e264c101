"""Files cut short, or that lie about themselves: told in words, at once, in little memory."""

from __future__ import annotations

import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import ModelError
from appliance.tools.importers.tflite import builder
from appliance.tools.importers.tflite.convert import convert
from appliance.tools.importers.tflite.flatbuffer import Flat, Malformed
from tests.tools.importers.tflite_file import Made, tiny_selfie, written


def refused(tmp_path: Path, data: bytes, message: str = "") -> None:
    file = tmp_path / "net.tflite"
    file.write_bytes(data)
    tracemalloc.start()
    begun = time.monotonic()
    try:
        with pytest.raises(ModelError) as caught:
            convert(file)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < 10
    assert str(caught.value).startswith(f"{file}: ")
    assert message in str(caught.value)


def test_cut_short(tmp_path: Path) -> None:
    whole = tiny_selfie(16, 16)
    for twentieth in range(20):
        refused(tmp_path, whole[: len(whole) * twentieth // 20])


@pytest.mark.shared
def test_the_real_ones_cut_short(tmp_path: Path, shared: Path) -> None:
    whole = (shared / "models/selfie_segmentation.tflite").read_bytes()
    for twentieth in range(1, 20):
        refused(tmp_path, whole[: len(whole) * twentieth // 20], "not a whole TensorFlow Lite file")


def test_something_else(tmp_path: Path) -> None:
    refused(tmp_path, b"<html>not found</html>", "expected b'TFL3'")
    refused(tmp_path, b"", "0 bytes")
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        convert(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        convert(tmp_path)


def network(shape: list[int], **more: object) -> bytes:
    tensors = [{0: shape, 2: ("I", 0), 3: "picture"}] * int(more.get("times", 1))  # type: ignore[call-overload]
    graph = {0: tensors, 1: [0], 2: [0]}
    return written({0: ("I", int(more.get("version", 3))), 2: [graph], 4: [{}]})  # type: ignore[call-overload]


def test_absurd_sizes(tmp_path: Path) -> None:
    huge = 2**31 - 1
    refused(tmp_path, network([1, huge, huge, 3]), "open, or absurdly large")
    refused(tmp_path, network([1, -1, 4, 3]), "open, or absurdly large")
    refused(tmp_path, network([1] * 9), "a list of 9, expected at most 8")
    refused(tmp_path, network([1, 4, 4, 3], times=20_001), "expected at most 20,000")
    refused(tmp_path, network([1, 4, 4, 3], version=2), "version is 2, expected 3")
    refused(tmp_path, written({0: ("I", 3)}), "0 graphs, expected 1")
    data = network([1, 4, 4, 3])
    at = data.index(struct.pack("<5i", 4, 1, 4, 4, 3))
    for count in (2**32 - 1, 2**31):
        refused(tmp_path, data[:at] + struct.pack("<I", count) + data[at + 4 :], "expected at most")


def test_numbers_that_point_nowhere(tmp_path: Path) -> None:
    tensor = {0: [1, 4, 4, 3], 2: ("I", 9), 3: "picture"}
    refused(tmp_path, written({0: ("I", 3), 2: [{0: [tensor]}], 4: [{}]}), "buffer 9 is asked for")
    tensor[2] = ("I", 0)
    graph = {0: [tensor], 1: [5], 2: [0]}
    refused(tmp_path, written({0: ("I", 3), 2: [graph], 4: [{}]}), "tensor number 5 is asked for")
    graph = {0: [tensor], 1: [0], 2: [0], 3: [{0: ("I", 3)}]}
    refused(
        tmp_path, written({0: ("I", 3), 2: [graph], 4: [{}]}), "code 3 is asked for, there are 0"
    )


def test_a_small_file_that_would_be_a_huge_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = bytes(1 << 20)
    tensors = [{0: [1 << 18], 2: ("I", 0), 3: str(n)} for n in range(2000)]
    data = written({0: ("I", 3), 2: [{0: tensors}], 4: [{0: weights}]})
    refused(tmp_path, data, "four times as large as the file")

    monkeypatch.setattr(builder, "_MOST_BYTES", 1 << 20)
    made = Made()
    made.inputs = made.outputs = [made.computed("picture", 1, 4, 4, 3)]
    half = made.constant("half", np.zeros(1 << 16, np.float16))
    for n in range(6):
        made.run("DEQUANTIZE", [half], made.computed(f"wide{n}", 1 << 16))
    refused(tmp_path, made.file(), "constants of more than 1 MB")


def test_too_few_weights(tmp_path: Path) -> None:
    made = Made()
    made.inputs = [made.computed("picture", 1, 4, 4, 3)]
    made.tensors.append(("w", (3, 3, 3, 3), "float32", bytes(8)))
    made.outputs = [
        made.run("CONV_2D", ["picture", "w"], made.computed("out", 1, 4, 4, 3), i1=1, i2=1)
    ]
    refused(tmp_path, made.file(), "tensor 'w': 8 bytes, expected 81 values of float32")


def test_results_that_come_too_late_or_twice(tmp_path: Path) -> None:
    for twice in (False, True):
        made = Made()
        made.inputs = [made.computed("picture", 1, 4, 4, 3)]
        a, b = made.computed("a", 1, 4, 4, 3), made.computed("b", 1, 4, 4, 3)
        made.run("RELU", ["picture" if twice else b], a)
        made.run("RELU", [a], a if twice else b)
        made.outputs = [a]
        refused(tmp_path, made.file(), "the operators do not fit together")


def test_a_table_before_the_file() -> None:
    for data in (b"", b"\x04\0\0\0", b"\x04\0\0\0\xff\xff\xff\x7f", b"\x04\0\0\0\0\0\0\x80"):
        with pytest.raises(Malformed, match="bytes should be here"):
            Flat(data).root()
    with pytest.raises(Malformed, match="a list of fields of 3 bytes"):
        Flat(b"\x04\0\0\0\xfc\xff\xff\xff\x03\0\0\0").root()
