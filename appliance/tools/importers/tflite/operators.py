"""Each operator of TensorFlow Lite that is taken over, as ONNX nodes; all others are refused."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from appliance.errors import ModelError
from appliance.tools.importers.tflite.builder import Builder
from appliance.tools.importers.tflite.network import Operator
from appliance.tools.importers.tflite.windows import Pair, pads, pads_back


def _sides(builder: Builder, operator: Operator, index: int) -> Pair:
    """Rows and columns of a picture, as declared."""
    builder.picture(operator, index)
    shape = builder.tensor(operator, index).shape
    return shape[1], shape[2]


def _kernel(builder: Builder, operator: Operator, order: tuple[int, ...]) -> tuple[str, Pair]:
    """The kernel (input 1) in ONNX's order; its name in the graph, and its rows and columns."""
    values = builder.constant(operator, 1)
    if values.ndim != 4 or values.dtype.kind != "f":
        raise ModelError(
            f"{operator.name}: a kernel of {values.dtype}, {values.ndim} dimensions; expected "
            "floating point, four"
        )
    name = f"{builder.name(operator.inputs[1])}/{''.join(map(str, order))}"
    return builder.write(name, values.transpose(order)), (values.shape[1], values.shape[2])


def _bias(builder: Builder, operator: Operator, index: int) -> list[str]:
    """The bias in a list; an empty one where there is none."""
    if index >= len(operator.inputs) or operator.inputs[index] < 0:
        return []
    values = builder.constant(operator, index)
    return [builder.write(f"{builder.name(operator.inputs[index])}/bias", values.reshape(-1))]


def _conv(builder: Builder, operator: Operator) -> None:
    _convolution(builder, operator, (0, 3, 1, 2), groups=1, fused=3, dilations=(5, 4))


def _depthwise(builder: Builder, operator: Operator) -> None:
    # Its kernel is 1, rows, columns, channels: each channel has one (or more) of its own.
    channels = builder.tensor(operator, 0).shape[-1]
    _convolution(builder, operator, (3, 0, 1, 2), groups=channels, fused=4, dilations=(6, 5))


def _convolution(
    builder: Builder, operator: Operator, order: tuple[int, ...], *,
    groups: int, fused: int, dilations: Pair,
) -> None:  # fmt: skip
    size = _sides(builder, operator, 0)
    kernel, window = _kernel(builder, operator, order)
    stride = (operator.option(2, "i"), operator.option(1, "i"))
    dilation = (operator.option(dilations[0], "i", 1), operator.option(dilations[1], "i", 1))
    builder.add(
        operator, "Conv",
        [builder.picture(operator, 0), kernel, *_bias(builder, operator, 2)],
        fused=operator.option(fused), group=groups, kernel_shape=window, strides=stride,
        dilations=dilation, pads=pads(operator.option(0), size, window, stride, dilation),
    )  # fmt: skip


def _transposed(
    builder: Builder, operator: Operator, picture: int, bias: int, padding: int, stride: Pair,
    fused: int,
) -> None:  # fmt: skip
    size = _sides(builder, operator, picture)
    kernel, window = _kernel(builder, operator, (3, 0, 1, 2))
    around, more = pads_back(padding, size, window, stride)
    builder.add(
        operator, "ConvTranspose",
        [builder.picture(operator, picture), kernel, *_bias(builder, operator, bias)],
        fused=fused, kernel_shape=window, strides=stride, pads=around, output_padding=more,
    )  # fmt: skip


def _transpose_conv(builder: Builder, operator: Operator) -> None:
    # Input 0 is the size of the result, which the end of the conversion compares for all.
    stride = (operator.option(2, "i"), operator.option(1, "i"))
    _transposed(builder, operator, 2, 3, operator.option(0), stride, operator.option(3))


def _transpose_bias(builder: Builder, operator: Operator) -> None:
    """MediaPipe's own: options are a C structure of padding (1 SAME, 2 VALID), columns, rows."""
    if len(operator.custom) < 12:
        raise ModelError(
            f"{operator.name}: options of {len(operator.custom)} bytes, expected 12 or more"
        )
    padding, columns, rows = struct.unpack_from("<3i", operator.custom)
    _transposed(builder, operator, 0, 2, padding - 1, (rows, columns), 0)


def _pool(builder: Builder, operator: Operator) -> None:
    size = _sides(builder, operator, 0)
    source, fused = builder.picture(operator, 0), operator.option(5)
    window = (operator.option(4, "i"), operator.option(3, "i"))
    stride = (operator.option(2, "i"), operator.option(1, "i"))
    around = pads(operator.option(0), size, window, stride)
    if window == size and not any(around):
        builder.add(operator, "GlobalAveragePool", [source], fused=fused)
    else:
        builder.add(
            operator, "AveragePool", [source], fused=fused,
            kernel_shape=window, strides=stride, pads=around, count_include_pad=0,
        )  # fmt: skip


def _mean(builder: Builder, operator: Operator) -> None:
    axes = sorted(int(a) % 4 for a in builder.constant(operator, 1).reshape(-1)[:8])
    if axes != [1, 2] or not operator.option(0):
        raise ModelError(f"{operator.name} over axes {axes}: expected rows and columns, kept as 1")
    builder.add(operator, "GlobalAveragePool", [builder.picture(operator, 0)])


def _resize(builder: Builder, operator: Operator) -> None:
    corners, half = operator.option(2), operator.option(3)
    rows, columns = _sides(builder, operator, 0)
    values = builder.constant(operator, 1).reshape(-1)
    if len(values) != 2 or values.min() < 1:
        raise ModelError(
            f"{operator.name}: a size of {values[:8].tolist()}, expected rows, columns"
        )
    # As factors, not sizes: exact for what networks do, and known to every runtime.
    factors = np.asarray([1, 1, values[0] / rows, values[1] / columns], np.float32)
    name = builder.write(f"{builder.name(operator.outputs[0])}/factors", factors)
    mode = "align_corners" if corners else "half_pixel" if half else "asymmetric"
    builder.add(
        operator, "Resize", [builder.picture(operator, 0), "", name],
        mode="linear", coordinate_transformation_mode=mode,
    )  # fmt: skip


def _two(kind: str) -> Callable[[Builder, Operator], None]:
    def convert(builder: Builder, operator: Operator) -> None:
        inputs = [builder.picture(operator, 0), builder.picture(operator, 1)]
        builder.add(operator, kind, inputs, fused=operator.option(0))

    return convert


def _one(kind: str) -> Callable[[Builder, Operator], None]:
    def convert(builder: Builder, operator: Operator) -> None:
        builder.add(operator, kind, [builder.picture(operator, 0)])

    return convert


def _relu6(builder: Builder, operator: Operator) -> None:
    builder.clip(builder.picture(operator, 0), builder.name(operator.outputs[0]))


OPERATORS: dict[str, Callable[[Builder, Operator], None]] = {
    "ADD": _two("Add"),
    "AVERAGE_POOL_2D": _pool,
    "CONV_2D": _conv,
    "Convolution2DTransposeBias": _transpose_bias,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEQUANTIZE": Builder.widen,
    "HARD_SWISH": _one("HardSwish"),
    "LOGISTIC": _one("Sigmoid"),
    "MEAN": _mean,
    "MUL": _two("Mul"),
    "RELU": _one("Relu"),
    "RELU6": _relu6,
    "RESIZE_BILINEAR": _resize,
    "TRANSPOSE_CONV": _transpose_conv,
}
