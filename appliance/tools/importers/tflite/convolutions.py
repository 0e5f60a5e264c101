"""The convolutions of TensorFlow Lite, as ONNX nodes; their kernels in ONNX's order.

Each function raises ModelError for an operator that cannot be taken over.
"""

from __future__ import annotations

import struct

from appliance.errors import ModelError
from appliance.tools.importers.tflite.builder import Builder
from appliance.tools.importers.tflite.network import Operator
from appliance.tools.importers.tflite.windows import Pair, pads, pads_back


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
    if not _has(operator, index):
        return []
    values = builder.constant(operator, index)
    return [builder.write(f"{builder.name(operator.inputs[index])}/bias", values.reshape(-1))]


def _must_fit(
    builder: Builder, operator: Operator, picture: int, bias: int, results: int, groups: int
) -> None:
    """Hold a kernel against the channels around it, which ONNX's shape inference does not.

    ``results`` is the axis of the kernel that has the result's channels.
    """
    channels = builder.sides(operator, picture)[2]
    kernel = builder.constant(operator, 1).shape
    biases = builder.constant(operator, bias).shape if _has(operator, bias) else ()
    seen = kernel[3] if groups == 1 else kernel[0] * channels
    if seen != channels or kernel[results] % groups or biases not in ((), (kernel[results],)):
        raise ModelError(
            f"{operator.name}: a picture of {channels} channels, a kernel of {kernel}, biases of "
            f"{biases}: they do not fit"
        )


def _has(operator: Operator, index: int) -> bool:
    return index < len(operator.inputs) and operator.inputs[index] >= 0


def convolution(builder: Builder, operator: Operator) -> None:
    """CONV_2D."""
    _convolution(builder, operator, (0, 3, 1, 2), groups=1, fused=3, dilations=(5, 4))


def depthwise(builder: Builder, operator: Operator) -> None:
    """DEPTHWISE_CONV_2D."""
    # Its kernel is 1, rows, columns, channels: each channel has one (or more) of its own.
    channels = builder.sides(operator, 0)[2]
    _convolution(builder, operator, (3, 0, 1, 2), groups=channels, fused=4, dilations=(6, 5))


def _convolution(
    builder: Builder, operator: Operator, order: tuple[int, ...], *,
    groups: int, fused: int, dilations: Pair,
) -> None:  # fmt: skip
    size = builder.sides(operator, 0)[:2]
    kernel, window = _kernel(builder, operator, order)
    _must_fit(builder, operator, 0, 2, order[0], groups)
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
    size = builder.sides(operator, picture)[:2]
    kernel, window = _kernel(builder, operator, (3, 0, 1, 2))
    _must_fit(builder, operator, picture, bias, 0, 1)
    around, more = pads_back(padding, size, window, stride)
    builder.add(
        operator, "ConvTranspose",
        [builder.picture(operator, picture), kernel, *_bias(builder, operator, bias)],
        fused=fused, kernel_shape=window, strides=stride, pads=around, output_padding=more,
    )  # fmt: skip


def transpose_conv(builder: Builder, operator: Operator) -> None:
    """TRANSPOSE_CONV."""
    # Input 0 is the size of the result, which the end of the conversion compares for all.
    stride = (operator.option(2, "i"), operator.option(1, "i"))
    _transposed(builder, operator, 2, 3, operator.option(0), stride, operator.option(3))


def transpose_bias(builder: Builder, operator: Operator) -> None:
    """MediaPipe's own: options are a C structure of padding (1 SAME, 2 VALID), columns, rows."""
    if len(operator.custom) < 12:
        raise ModelError(
            f"{operator.name}: options of {len(operator.custom)} bytes, expected 12 or more"
        )
    padding, columns, rows = struct.unpack_from("<3i", operator.custom)
    _transposed(builder, operator, 0, 2, padding - 1, (rows, columns), 0)
