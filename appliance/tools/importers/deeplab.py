"""DeepLabv3 on MobileNetV2: 21 classes of things, as published for Coral, in TensorFlow Lite.

Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017; Sandler et al.,
"MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, section 6.3. Published for
pictures of 513x513 and quantised. Every operator but two goes with any size, so it is made for
wide pictures here: a fifth of the pixels. What it gives is left on its own coarse grid, a cell for
16x16 pixels: whoever uses it interpolates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from appliance.errors import ModelError
from appliance.tools.engine.graph import graph_outputs, onnx
from appliance.tools.importers.base import (
    Fields,
    Importer,
    Options,
    Release,
    Shapes,
    only_picture,
)

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

VOC = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
"""The classes of PASCAL VOC 2012, in the order of its numbers."""

USUAL = (289, 161)
_STRIDE = 16
_ORIGIN = "this project, of the file in google-coral/test_data"
_TITLE = "DeepLabv3 on MobileNetV2"


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    if len(inputs) != 1 or len(outputs) != 1:
        return False
    taken, given = next(iter(inputs.items())), next(iter(outputs.values()))
    named = "MobilenetV2" in taken[0] and len(taken[1]) == 4 and taken[1][1] == 3
    return named and len(given) == 4 and given[1] == len(VOC)


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, _ = only_picture(model)
    width, height = options.size or USUAL
    if width % _STRIDE != 1 or height % _STRIDE != 1:
        raise ModelError(
            f"a size of {width}x{height}: expected sides of {_STRIDE} n + 1, as 289x161 (wide), "
            "161x289 (upright), 257x257 or 513x289 (finer)"
        )
    _resize(model, (-(-height // _STRIDE), -(-width // _STRIDE)))
    return {
        "task": "classes",
        "input": {
            "name": name, "width": width, "height": height, "layout": "NCHW", "order": "RGB",
            # What the published network's own quantisation says of a byte.
            "mean": [128.0] * 3, "scale": [1 / 128] * 3,
        },
        "output": {
            "name": next(iter(graph_outputs(model))), "layout": "NCHW", "activation": "softmax",
            "corners": True,
        },
        "classes": list(VOC),
    }  # fmt: skip


def _resize(model: ModelProto, grid: tuple[int, int]) -> None:
    """Leave out the enlarging at the end; give the picture's mean, that is spread, ``grid``."""
    graph = model.graph
    makers: dict[str, NodeProto] = {name: node for node in graph.node for name in node.output}
    output = graph.output[0]
    end = output.name
    while (node := makers.get(end)) is not None and node.op_type == "Resize":
        graph.node.remove(node)
        end = node.input[0]
    if node is None or node.op_type != "Conv":
        raise ModelError("the graph does not end in scores that are enlarged")
    spread = [node for node in graph.node if node.op_type == "Resize"]
    if len(spread) != 1 or not _is_mean(makers, spread[0].input[0]):
        raise ModelError("the graph does not spread one mean of the picture over its grid")
    factors = f"{spread[0].output[0]}/grid"
    values = np.asarray([1, 1, *grid], np.float32)
    graph.initializer.append(onnx.numpy_helper.from_array(values, factors))
    del spread[0].input[1:]
    spread[0].input.extend(["", factors])
    output.name = end


def _is_mean(makers: Mapping[str, NodeProto], name: str) -> bool:
    """Whether a tensor comes from a mean of the whole picture, through operators on one cell."""
    while (node := makers.get(name)) is not None:
        if node.op_type == "GlobalAveragePool":
            return True
        if node.op_type not in ("Conv", "Relu", "Clip", "Identity"):
            return False
        name = node.input[0]
    return False


SMALL = Release(
    f"{_TITLE}, half as wide", "deeplabv3_mnv2_dm05_pascal_quant.tflite",
    "0470d2a782aa54eeeb99d32e7b6b3fb7722905c7c4f5d26bd957ec861366d48b", 760904, _ORIGIN,
)  # fmt: skip
FULL = Release(
    _TITLE, "deeplabv3_mnv2_pascal_quant.tflite",
    "350af47fd346ea6d74b58833a351f583ba860e9806ec5bd292ff8d8f1f249398", 2193224, _ORIGIN,
)  # fmt: skip

IMPORTER = Importer("deeplab", _TITLE, "Apache-2.0", _fits, _manifest, (SMALL, FULL))
