"""Each operator of TensorFlow Lite that is taken over, as ONNX nodes; all others are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from appliance.errors import ModelError
from appliance.tools.importers.tflite.builder import Builder
from appliance.tools.importers.tflite.convolutions import (
    convolution,
    depthwise,
    transpose_bias,
    transpose_conv,
)
from appliance.tools.importers.tflite.network import Operator
from appliance.tools.importers.tflite.shapes import max_pool, pad, reshape
from appliance.tools.importers.tflite.windows import pads


def _pool(builder: Builder, operator: Operator) -> None:
    size = builder.sides(operator, 0)[:2]
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
    axes = sorted(axis % 4 for axis in builder.integers(operator, 1))
    if axes != [1, 2] or not operator.option(0):
        raise ModelError(f"{operator.name} over axes {axes}: expected rows and columns, kept as 1")
    builder.add(operator, "GlobalAveragePool", [builder.picture(operator, 0)])


def _resize(builder: Builder, operator: Operator) -> None:
    corners, half = operator.option(2), operator.option(3)
    size = builder.sides(operator, 0)[:2]
    values = builder.integers(operator, 1)
    if len(values) != 2 or min(values) < 1:
        raise ModelError(f"{operator.name}: a size of {values}, expected rows and columns")
    mode = "align_corners" if corners else "half_pixel" if half else "asymmetric"
    how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": mode}
    picture, result = builder.picture(operator, 0), builder.name(operator.outputs[0])
    if all(large % small == 0 for large, small in zip(values, size, strict=True)):
        # As factors, not sizes: exact for what networks do, and known to every runtime.
        factors = [1, 1, values[0] / size[0], values[1] / size[1]]
        name = builder.write(f"{result}/factors", np.asarray(factors, np.float32))
        builder.add(operator, "Resize", [picture, "", name], **how)
        return
    # 33 times float32(513 / 33) may round to 512.
    whole = [1, builder.sides(operator, 0)[2], *values]
    name = builder.write(f"{result}/sizes", np.asarray(whole, np.int64))
    builder.add(operator, "Resize", [picture, "", "", name], **how)


def _concatenation(builder: Builder, operator: Operator) -> None:
    if len(builder.result(operator).shape) == 3:
        _lists(builder, operator)
        return
    axis = operator.option(0, "i") % 4
    inputs = [builder.picture(operator, n) for n in range(len(operator.inputs))]
    # From NHWC to NCHW.
    builder.add(operator, "Concat", inputs, fused=operator.option(1), axis=(0, 2, 3, 1)[axis])


def _lists(builder: Builder, operator: Operator) -> None:
    """Lists behind one another: a detector's anchors of several scales. They lie as they did."""
    axis = operator.option(0, "i") % 3
    if axis != 1 or operator.option(1):
        raise ModelError(f"{operator.name} of lists over axis {axis}: expected 1, no activation")
    for index in range(len(operator.inputs)):
        tensor = builder.tensor(operator, index)
        if tensor.data or len(tensor.shape) != 3:
            raise ModelError(f"{operator.name}: {tensor.name!r} is no list; expected lists alone")
    builder.add(operator, "Concat", [builder.name(n) for n in operator.inputs], axis=axis)


def _two(kind: str) -> Callable[[Builder, Operator], None]:
    def convert(builder: Builder, operator: Operator) -> None:
        inputs = [builder.picture(operator, 0), builder.picture(operator, 1)]
        builder.add(operator, kind, inputs, fused=operator.option(0))

    return convert


def _one(kind: str) -> Callable[[Builder, Operator], None]:
    def convert(builder: Builder, operator: Operator) -> None:
        builder.add(operator, kind, [builder.picture(operator, 0)])

    return convert


def _prelu(builder: Builder, operator: Operator) -> None:
    slope = builder.constant(operator, 1)
    channels = builder.sides(operator, 0)[2]
    if slope.shape != (1, 1, channels):
        raise ModelError(
            f"{operator.name}: slopes of shape {slope.shape}, expected {(1, 1, channels)}: one a "
            "channel"
        )
    builder.add(operator, "PRelu", [builder.picture(operator, 0), builder.picture(operator, 1)])


def _relu6(builder: Builder, operator: Operator) -> None:
    builder.clip(builder.picture(operator, 0), builder.name(operator.outputs[0]))


OPERATORS: dict[str, Callable[[Builder, Operator], None]] = {
    "ADD": _two("Add"),
    "AVERAGE_POOL_2D": _pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": convolution,
    "Convolution2DTransposeBias": transpose_bias,
    "DEPTHWISE_CONV_2D": depthwise,
    "DEQUANTIZE": Builder.widen,
    "HARD_SWISH": _one("HardSwish"),
    "LOGISTIC": _one("Sigmoid"),
    "MAX_POOL_2D": max_pool,
    "MEAN": _mean,
    "MUL": _two("Mul"),
    # From one quantisation to another: to real numbers it is nothing.
    "QUANTIZE": _one("Identity"),
    "PAD": pad,
    "PRELU": _prelu,
    "RELU": _one("Relu"),
    "RELU6": _relu6,
    "RESHAPE": reshape,
    "RESIZE_BILINEAR": _resize,
    "TRANSPOSE_CONV": transpose_conv,
}
