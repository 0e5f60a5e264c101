"""MediaPipe's face landmarks (Face Mesh): 468 points of a face, published in TensorFlow Lite."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from appliance.errors import ModelError
from appliance.networks.face import POINTS
from appliance.tools.engine.graph import graph_outputs
from appliance.tools.importers.base import (
    Fields,
    Importer,
    Options,
    Release,
    Shapes,
    describe,
    only_picture,
    picture_size,
)

if TYPE_CHECKING:
    from onnx import ModelProto


def _numbers(shape: tuple[int | str, ...]) -> int:
    return prod(side if isinstance(side, int) else 0 for side in shape)


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    counts = sorted(_numbers(shape) for shape in outputs.values())
    return len(inputs) == 1 and counts == [1, POINTS * 3]


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    layout = "NHWC" if shape[3] == 3 else "NCHW"
    width, height = picture_size(shape, options, layout=layout, usual=None)
    outputs = graph_outputs(model)
    points = [n for n, shape in outputs.items() if _numbers(shape) == POINTS * 3]
    if width != height or len(points) != 1 or len(outputs) != 2:
        raise ModelError(
            f"an input of {width}x{height}, outputs {describe(outputs)}; expected a square, one of "
            f"{POINTS * 3} numbers, the points, and one of 1"
        )
    return {
        "task": "face",
        "input": {
            "name": name,
            "width": width,
            "height": height,
            "layout": layout,
            "order": "RGB",
            "mean": [0.0] * 3,
            "scale": [1 / 255] * 3,
        },
        "output": {"name": points[0]},
    }


MESH = Release(
    "MediaPipe face landmarks", "face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814", 1242398,
    "this project, of the file in the wheel of mediapipe 0.10.21",
)  # fmt: skip

IMPORTER = Importer("face", "MediaPipe face landmarks", "Apache-2.0", _fits, _manifest, (MESH,))
