"""Operators that only move, repeat or choose values: pad, largest of a window, reshape."""

from __future__ import annotations

import numpy as np

from appliance.errors import ModelError
from appliance.tools.engine.graph import onnx
from appliance.tools.importers.tflite.builder import Builder
from appliance.tools.importers.tflite.network import Operator
from appliance.tools.importers.tflite.windows import pads

_MOST_PADDING = 4096


def pad(builder: Builder, operator: Operator) -> None:
    """PAD: zeros around a picture, or further channels of zeros."""
    source = builder.picture(operator, 0)
    values = builder.constant(operator, 1)
    if values.shape != (4, 2) or values.dtype.kind != "i":
        raise ModelError(
            f"{operator.name}: a padding of {values.dtype}, {values.shape}; expected int32, (4, 2)"
        )
    if values.min() < 0 or values.max() > _MOST_PADDING or values[0].any():
        raise ModelError(
            f"{operator.name}: a padding of {values.tolist()}; expected 0 to {_MOST_PADDING}, and "
            "none of the batch"
        )
    turned = values[[0, 3, 1, 2]].T.reshape(-1).astype(np.int64)
    name = builder.write(f"{builder.name(operator.outputs[0])}/padding", turned)
    builder.add(operator, "Pad", [source, name], mode="constant")


def max_pool(builder: Builder, operator: Operator) -> None:
    """MAX_POOL_2D."""
    window = (operator.option(4, "i"), operator.option(3, "i"))
    stride = (operator.option(2, "i"), operator.option(1, "i"))
    around = pads(operator.option(0), builder.sides(operator, 0)[:2], window, stride)
    builder.add(
        operator, "MaxPool", [builder.picture(operator, 0)], fused=operator.option(5),
        kernel_shape=window, strides=stride, pads=around,
    )  # fmt: skip


def reshape(builder: Builder, operator: Operator) -> None:
    """RESHAPE to a list: one pixel's channels, or for each pixel in turn so many rows of numbers.

    The first is a regression's result, the second a detector's (a row an anchor). Of nothing else:
    a picture's values would have to change places, as they lie in another order here.
    """
    given, wanted = builder.tensor(operator, 0).shape, builder.result(operator).shape
    pixel = len(given) == 4 and given[:3] == (1, 1, 1) and wanted == (1, given[3])
    rows = len(given) == 4 and len(wanted) == 3 and given[0] == wanted[0] == 1
    if not pixel and not (rows and given[3] % wanted[2] == 0):
        raise ModelError(
            f"{operator.name} from {given} to {wanted}; expected one pixel (1, 1, 1, N) to (1, N), "
            "or a picture (1, rows, columns, k*N) to (1, rows*columns*k, N)"
        )
    result, source = builder.name(operator.outputs[0]), builder.picture(operator, 0)
    shape = builder.write(f"{result}/shape", np.asarray(wanted, np.int64))
    if rows:
        turned = f"{result}/turned"
        node = onnx.helper.make_node("Transpose", [source], [turned], perm=(0, 2, 3, 1))
        builder.nodes.append(node)
        source = turned
    builder.add(operator, "Reshape", [source, shape])
