"""TensorFlow Lite to ONNX: operators against plain loops, real networks against tf2onnx's."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from appliance.errors import ModelError
from appliance.tools.importers.tflite.convert import convert
from appliance.tools.importers.tflite.windows import pads_back
from tests.tools.importers.tflite_file import Made

SAME, VALID = 0, 1
Array = np.ndarray
RNG = np.random.default_rng(7)


def noise(*shape: int) -> Array:
    return RNG.normal(0, 1, shape).astype(np.float32)


def ran(model: onnx.ModelProto, picture: Array) -> Array:
    """The graph's output for an NHWC picture, as NHWC."""
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (given,) = session.run(None, {session.get_inputs()[0].name: picture.transpose(0, 3, 1, 2)})
    return given.transpose(0, 2, 3, 1)


def one(tmp_path: Path, picture: Array, size: tuple[int, ...], kind: str, *more: Array, **how: Any):
    """What one operator, in a network of its own, makes of a picture."""
    made = Made()
    made.inputs = [made.computed("picture", *picture.shape)]
    inputs = ["picture", *(made.constant(f"c{n}", values) for n, values in enumerate(more))]
    if kind == "TRANSPOSE_CONV":
        inputs = [inputs[1], inputs[2], inputs[0], *inputs[3:]]
    made.outputs = [made.run(kind, inputs, made.computed("result", *size), **how)]
    file = tmp_path / "one.tflite"
    file.write_bytes(made.file())
    return ran(convert(file), picture)


def windows(picture: Array, k: int, stride: int, padding: int, dilation: int = 1):
    """By TensorFlow's rule for SAME: for each place of the result, the window's valid pixels."""
    _, rows, columns, _ = picture.shape
    reach = (k - 1) * dilation + 1

    def start(n: int) -> tuple[int, int]:
        if padding == VALID:
            return (n - reach) // stride + 1, 0
        out = -(-n // stride)
        return out, max((out - 1) * stride + reach - n, 0) // 2

    (high, top), (wide, left) = start(rows), start(columns)
    for y, x in itertools.product(range(high), range(wide)):
        inside = [
            (i, j, y * stride - top + i * dilation, x * stride - left + j * dilation)
            for i in range(k) for j in range(k)
        ]  # fmt: skip
        yield y, x, [w for w in inside if 0 <= w[2] < rows and 0 <= w[3] < columns]


def convolved(picture: Array, kernel: Array, bias: Array, stride: int, padding: int, dilation: int):
    found = {}
    for y, x, inside in windows(picture, kernel.shape[1], stride, padding, dilation):
        found[y, x] = bias + sum(kernel[:, i, j] @ picture[0, r, c] for i, j, r, c in inside)
    y, x = max(found)
    return np.asarray([[found[i, j] for j in range(x + 1)] for i in range(y + 1)])[None]


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("rows", [8, 9])
def test_convolution(
    tmp_path: Path, padding: int, stride: int, dilation: int, rows: int
) -> None:  # fmt: skip
    picture, kernel, bias = noise(1, rows, 11, 3), noise(4, 3, 3, 3), noise(4)
    expected = convolved(picture, kernel, bias, stride, padding, dilation)
    found = one(
        tmp_path, picture, expected.shape, "CONV_2D", kernel, bias,
        b0=padding, i1=stride, i2=stride, b3=1, i4=dilation, i5=dilation,
    )  # fmt: skip
    assert np.allclose(found, np.maximum(expected, 0), atol=1e-5)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("rows", [7, 8])
def test_depthwise_convolution(tmp_path: Path, times: int, rows: int) -> None:
    picture, kernel, bias = noise(1, rows, 6, 3), noise(1, 5, 5, 3 * times), noise(3 * times)
    # As an ordinary one, in which a channel of the result sees one of the picture.
    full = np.zeros((3 * times, 5, 5, 3), np.float32)
    for n in range(3 * times):
        full[n, ..., n // times] = kernel[0, ..., n]
    expected = convolved(picture, full, bias, 2, SAME, 1)
    found = one(
        tmp_path, picture, expected.shape, "DEPTHWISE_CONV_2D", kernel, bias,
        b0=SAME, i1=2, i2=2, i3=times, b4=3,
    )  # fmt: skip
    assert np.allclose(found, np.clip(expected, 0, 6), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "k", "stride"),
    [
        ("TRANSPOSE_CONV", 3, 2),
        ("TRANSPOSE_CONV", 4, 2),
        ("Convolution2DTransposeBias", 2, 2),
        ("Convolution2DTransposeBias", 3, 2),
        ("TRANSPOSE_CONV", 1, 2),
    ],
)
def test_transposed_convolution(tmp_path: Path, kind: str, k: int, stride: int) -> None:
    """It is the ordinary one run backwards: each pixel of it goes back to where it was seen."""
    picture, kernel, bias = noise(1, 4, 5, 3), noise(2, k, k, 3), noise(2)
    expected = np.zeros((1, 4 * stride, 5 * stride, 2)) + bias
    for y, x, inside in windows(expected, k, stride, SAME):
        for i, j, r, c in inside:
            expected[0, r, c] += kernel[:, i, j] @ picture[0, y, x]
    if kind == "TRANSPOSE_CONV":
        size = np.asarray(expected.shape, np.int32)
        how: dict[str, Any] = {"b0": SAME, "i1": stride, "i2": stride}
        more = (size, kernel, bias)
    else:
        how, more = {"custom": struct.pack("<3i", 1, stride, stride)}, (kernel, bias)
    found = one(tmp_path, picture, expected.shape, kind, *more, **how)
    assert np.allclose(found, expected, atol=1e-5)


def test_transposed_convolution_without_padding() -> None:
    assert pads_back(VALID, (4, 5), (3, 3), (2, 2)) == ([0, 0, 0, 0], [0, 0])
    assert pads_back(VALID, (4, 5), (1, 1), (2, 2)) == ([0, 0, 0, 0], [1, 1])


@pytest.mark.parametrize("padding", [SAME, VALID])
def test_average_pool(tmp_path: Path, padding: int) -> None:
    """Pixels beyond the edge are not counted."""
    picture = noise(1, 7, 7, 2)
    means = {
        (y, x): np.mean([picture[0, r, c] for _, _, r, c in inside], axis=0)
        for y, x, inside in windows(picture, 3, 2, padding)
    }
    n = max(means)[0] + 1
    expected = np.asarray([[means[y, x] for x in range(n)] for y in range(n)])[None]
    found = one(
        tmp_path, picture, expected.shape, "AVERAGE_POOL_2D", b0=padding, i1=2, i2=2, i3=3, i4=3
    )
    assert np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("padding", [SAME, VALID])
def test_max_pool(tmp_path: Path, padding: int) -> None:
    """Pixels beyond the edge are not counted: all of these are below 0."""
    picture = -1 - np.abs(noise(1, 7, 7, 2))
    largest = {
        (y, x): np.max([picture[0, r, c] for _, _, r, c in inside], axis=0)
        for y, x, inside in windows(picture, 3, 2, padding)
    }
    n = max(largest)[0] + 1
    expected = np.asarray([[largest[y, x] for x in range(n)] for y in range(n)])[None]
    found = one(
        tmp_path, picture, expected.shape, "MAX_POOL_2D", b0=padding, i1=2, i2=2, i3=3, i4=3
    )
    assert np.array_equal(found, expected)


def test_pad(tmp_path: Path) -> None:
    picture = noise(1, 4, 5, 2)
    around = np.asarray([[0, 0], [1, 2], [3, 0], [0, 4]], np.int32)
    expected = np.pad(picture, around)
    assert np.array_equal(one(tmp_path, picture, expected.shape, "PAD", around), expected)
    for wrong in (around - 1, around[:3], around.astype(np.float32)):
        with pytest.raises(ModelError, match="PAD: a padding of"):
            one(tmp_path, picture, expected.shape, "PAD", wrong)


def reshaped(tmp_path: Path, given: tuple[int, ...], wanted: tuple[int, ...]) -> onnx.ModelProto:
    made = Made()
    made.inputs = [made.computed("picture", *given)]
    size = made.constant("size", np.asarray(wanted, np.int32))
    made.outputs = [made.run("RESHAPE", ["picture", size], made.computed("result", *wanted))]
    (tmp_path / "net.tflite").write_bytes(made.file())
    return convert(tmp_path / "net.tflite")


def test_a_regression_s_numbers(tmp_path: Path) -> None:
    """What ends as a list of numbers is one in the graph, too."""
    values = noise(1, 1, 1, 7)
    model = reshaped(tmp_path, values.shape, (1, 7))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"picture": values.transpose(0, 3, 1, 2)})
    assert np.array_equal(found, values.reshape(1, 7))
    # A picture's values lie in another order here: no plain list of them is right.
    with pytest.raises(ModelError, match=r"RESHAPE from .* expected one pixel"):
        reshaped(tmp_path, (1, 2, 1, 7), (1, 14))


def test_a_detectors_lists_keep_their_order(tmp_path: Path) -> None:
    """Rows of numbers, k a pixel, in TensorFlow Lite's order; and lists behind one another."""
    picture = noise(1, 3, 4, 6)
    model = reshaped(tmp_path, picture.shape, (1, 24, 3))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: picture.transpose(0, 3, 1, 2)})
    assert np.array_equal(found, picture.reshape(1, 24, 3))

    made = Made()
    made.inputs = [made.computed("picture", *picture.shape)]
    names = []
    for n, wanted in enumerate(((1, 24, 3), (1, 24, 3))):
        size = made.constant(f"size{n}", np.asarray(wanted, np.int32))
        names.append(made.run("RESHAPE", ["picture", size], made.computed(f"list{n}", *wanted)))
    made.outputs = [made.run("CONCATENATION", names, made.computed("all", 1, 48, 3), i0=1)]
    file = tmp_path / "lists.tflite"
    file.write_bytes(made.file())
    session = ort.InferenceSession(
        convert(file).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {session.get_inputs()[0].name: picture.transpose(0, 3, 1, 2)})
    both = [picture.reshape(1, 24, 3)] * 2
    assert np.array_equal(found, np.concatenate(both, axis=1))


def test_prelu_has_a_slope_a_channel(tmp_path: Path) -> None:
    picture, slopes = noise(1, 3, 4, 5), noise(1, 1, 5)
    found = one(tmp_path, picture, picture.shape, "PRELU", slopes)
    assert np.allclose(found, np.where(picture > 0, picture, slopes * picture))
    with pytest.raises(ModelError, match=r"PRELU: slopes of shape \(3, 4, 5\), expected"):
        one(tmp_path, picture, picture.shape, "PRELU", noise(3, 4, 5))


def test_means_of_the_whole(tmp_path: Path) -> None:
    picture = noise(1, 6, 9, 4)
    expected = picture.mean((1, 2), keepdims=True)
    axes = np.asarray([1, 2], np.int32)
    for found in (
        one(tmp_path, picture, (1, 1, 1, 4), "MEAN", axes, b0=1),
        one(tmp_path, picture, (1, 1, 1, 4), "AVERAGE_POOL_2D", b0=VALID, i1=9, i2=6, i3=9, i4=6),
    ):
        assert np.allclose(found, expected, atol=1e-6)
    with pytest.raises(ModelError, match=r"MEAN over axes \[3\]: expected rows and columns"):
        one(tmp_path, picture, (1, 6, 9, 1), "MEAN", np.asarray([3], np.int32), b0=1)


@pytest.mark.parametrize("mode", ["half", "corners", "neither"])
def test_resize(tmp_path: Path, mode: str) -> None:
    picture, (rows, columns) = noise(1, 4, 3, 2), (8, 9)

    def places(n: int, m: int) -> Array:
        where = np.arange(m)
        if mode == "corners":
            return where * (n - 1) / (m - 1)
        return where * n / m if mode == "neither" else np.maximum((where + 0.5) * n / m - 0.5, 0)

    def mixed(values: Array, m: int, axis: int) -> Array:
        at = places(values.shape[axis], m)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, values.shape[axis] - 1)
        share = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
        return values.take(low, axis) * (1 - share) + values.take(high, axis) * share

    expected = mixed(mixed(picture, rows, 1), columns, 2)
    size = np.asarray([rows, columns], np.int32)
    found = one(
        tmp_path, picture, expected.shape, "RESIZE_BILINEAR", size,
        b2=int(mode == "corners"), b3=int(mode == "half"),
    )  # fmt: skip
    assert np.allclose(found, expected, atol=1e-5)


def test_resize_to_a_size_that_is_no_multiple(tmp_path: Path) -> None:
    """33 times the float32 nearest to 513/33 is less than 513."""
    picture = noise(1, 33, 33, 1)
    size = np.asarray([513, 513], np.int32)
    found = one(tmp_path, picture, (1, 513, 513, 1), "RESIZE_BILINEAR", size, b2=1)
    assert np.allclose(found[0, ::16, ::16], picture[0], atol=1e-5)


@pytest.mark.parametrize(("axis", "size"), [(3, (1, 5, 6, 7)), (-1, (1, 5, 6, 7)), (1, None)])
def test_concatenation(tmp_path: Path, axis: int, size: tuple[int, ...] | None) -> None:
    picture, other = noise(1, 5, 6, 3), noise(1, 5, 6, 4 if size else 3)
    expected = np.concatenate([picture, other], axis)
    found = one(tmp_path, picture, size or expected.shape, "CONCATENATION", other, i0=axis)
    assert np.allclose(found, expected)


def quantised(values: Array, scale: float, zero: int) -> Array:
    return np.clip(np.round(values / scale) + zero, 0, 255).astype(np.uint8)


def test_a_quantised_network_becomes_floating_point(tmp_path: Path) -> None:
    """With what it chooses from at its end, not the choice."""
    picture, kernel, bias = noise(1, 5, 6, 3), noise(4, 1, 1, 3), noise(4)
    made = Made()
    made.inputs = [made.computed("picture", 1, 5, 6, 3, steps=(0.05, 128))]
    weights = made.constant("weights", quantised(kernel, 0.04, 120), steps=(0.04, 120))
    biases = made.constant("biases", np.round(bias / 0.002).astype(np.int32), steps=(0.002, 0))
    scores = made.computed("scores", 1, 5, 6, 4, steps=(0.1, 100))
    made.run("CONV_2D", ["picture", weights, biases], scores, i1=1, i2=1)
    again = made.run("QUANTIZE", [scores], made.computed("again", 1, 5, 6, 4, steps=(0.2, 90)))
    axis = made.constant("axis", np.asarray(3, np.int32))
    made.outputs = [made.run("ARG_MAX", [again, axis], made.computed("choice", 1, 5, 6))]
    file = tmp_path / "whole.tflite"
    file.write_bytes(made.file())
    expected = np.einsum("nhwc,oc->nhwo", picture, kernel[:, 0, 0]) + bias
    found = ran(convert(file), picture)
    assert found.shape == (1, 5, 6, 4)
    assert np.abs(found - expected).max() < 0.02 * 3 * np.abs(picture).max() + 0.001


@pytest.mark.parametrize(
    ("scales", "zeros"), [([0.1, 0.2], [0]), ([0.1, 0.2], [0, 0]), ([-0.1], [0]), ([np.nan], [0])]
)
def test_a_quantisation_that_does_not_fit(
    tmp_path: Path, scales: list[float], zeros: list[int]
) -> None:
    made = Made()
    made.inputs = [made.computed("picture", 1, 5, 6, 3, steps=(scales, zeros))]
    made.outputs = [made.run("RELU", ["picture"], made.computed("result", 1, 5, 6, 3))]
    (tmp_path / "net.tflite").write_bytes(made.file())
    with pytest.raises(ModelError, match=r"scales and . zero points along axis 0; expected one of"):
        convert(tmp_path / "net.tflite")


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("LOGISTIC", lambda x: 1 / (1 + np.exp(-x))),
        ("RELU", lambda x: np.maximum(x, 0)),
        ("RELU6", lambda x: np.clip(x, 0, 6)),
        ("HARD_SWISH", lambda x: x * np.clip(x + 3, 0, 6) / 6),
    ],
)
def test_each_pixel(tmp_path: Path, kind: str, function: Callable[[Array], Array]) -> None:
    picture = 4 * noise(1, 5, 6, 3)
    assert np.allclose(one(tmp_path, picture, picture.shape, kind), function(picture), atol=1e-5)


def test_sums_and_products_spread_over_channels(tmp_path: Path) -> None:
    picture, each = noise(1, 5, 6, 3), noise(3)
    assert np.allclose(one(tmp_path, picture, picture.shape, "ADD", each), picture + each)
    assert np.allclose(one(tmp_path, picture, picture.shape, "MUL", each), picture * each)
    whole = noise(1, 5, 6, 3).astype(np.float16)
    found = one(tmp_path, picture, picture.shape, "ADD", whole, b0=1)
    assert np.allclose(found, np.maximum(picture + whole, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "more", "how", "message"),
    [
        ("TANH", (), {}, "cannot be taken over: TANH; convert it to ONNX"),
        ("SOMETHING_NEW", (), {}, "cannot be taken over: number 190"),
        ("Magic", (), {}, "cannot be taken over: Magic"),
        ("ADD", (noise(3),), {"b0": 4}, "ADD with the activation TANH cannot be taken over"),
        ("ADD", (), {}, "ADD: input 1 is missing"),
        ("CONV_2D", (noise(3, 1, 1, 3),), {"b0": 7, "i1": 1, "i2": 1}, "padding number 7"),
        ("CONV_2D", (noise(3, 1, 1, 3),), {"i1": 0, "i2": 1}, "expected 1 to 4096"),
        ("CONV_2D", (np.zeros((3, 1, 1, 3), np.uint8),), {"i1": 1, "i2": 1}, "a kernel of uint8"),
        ("DEQUANTIZE", (), {}, "'picture' is computed, expected a constant"),
        ("CONV_2D", (noise(3, 1, 1, 4),), {"i1": 1, "i2": 1}, "they do not fit"),
        ("CONV_2D", (noise(4, 1, 1, 3), noise(3)), {"i1": 1, "i2": 1}, "biases of (3,)"),
        ("DEPTHWISE_CONV_2D", (noise(1, 1, 1, 4),), {"i1": 1, "i2": 1}, "they do not fit"),
        ("Convolution2DTransposeBias", (noise(3, 1, 1, 3),), {}, "options of 0 bytes"),
        ("RESIZE_BILINEAR", (np.asarray([0, 4], np.int32),), {}, "a size of [0, 4]"),
        ("RESIZE_BILINEAR", (np.asarray([10, 12], np.int32),), {"b3": 1}, "do not fit together"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_over_is_said(
    tmp_path: Path, kind: str, more: tuple[Array, ...], how: dict[str, int], message: str
) -> None:
    picture = noise(1, 5, 6, 3)
    with pytest.raises(ModelError) as caught:
        one(tmp_path, picture, picture.shape, kind, *more, **how)
    assert message in str(caught.value)
    assert "one.tflite" in str(caught.value)


def test_shapes_on_the_way_must_be_those_declared(tmp_path: Path) -> None:
    made = Made()
    made.inputs = [made.computed("picture", 1, 5, 6, 3)]
    size = made.constant("size", np.asarray([10, 12], np.int32))
    large = made.run("RESIZE_BILINEAR", ["picture", size], made.computed("large", 1, 9, 12, 3))
    made.outputs = [made.run("RELU", [large], made.computed("result", 1, 10, 12, 3))]
    (tmp_path / "net.tflite").write_bytes(made.file())
    with pytest.raises(ModelError, match=r"'large' is declared as \(1, 3, 9, 12\) .* gives"):
        convert(tmp_path / "net.tflite")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "size"),
    [("selfie_segmentation", (256, 256)), ("selfie_segmentation_landscape", (256, 144))],
)
def test_as_the_known_good_conversion(shared: Path, name: str, size: tuple[int, int]) -> None:
    model = convert(shared / "models" / f"{name}.tflite")
    known = ort.SessionOptions()
    known.log_severity_level = 3
    session = ort.InferenceSession(
        str(shared / "models" / f"{name}.onnx"), known, providers=["CPUExecutionProvider"]
    )
    pictures = [np.random.default_rng(n).random((1, size[1], size[0], 3)) for n in range(2)]
    for file in ("stills/astronaut.png", "stills/grace-hopper.png"):
        still = cv2.resize(cv2.imread(str(shared / "media" / file)), size)
        pictures.append(cv2.cvtColor(still, cv2.COLOR_BGR2RGB)[None] / 255)
    for picture in (p.astype(np.float32) for p in pictures):
        (expected,) = session.run(None, {"input_1": picture.transpose(0, 3, 1, 2)})
        assert np.abs(ran(model, picture) - expected).max() < 1e-4
    shapes = {v.name: v.type.tensor_type.shape for v in model.graph.value_info}
    assert all(d.dim_value > 0 for shape in shapes.values() for d in shape.dim), "all are known"
    assert len(shapes) == len(model.graph.node) - 1
