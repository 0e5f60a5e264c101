"""MediaPipe's face detection at short range (BlazeFace), as published in TensorFlow Lite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import ModelError
from appliance.networks.face import ANCHORS, NUMBERS
from appliance.tools.engine.graph import graph_outputs
from appliance.tools.importers.base import (
    HALVES,
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

_BOXES, _SCORES = (1, ANCHORS, NUMBERS), (1, ANCHORS, 1)


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    return len(inputs) == 1 and sorted(outputs.values(), key=str) == [_SCORES, _BOXES]


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    layout = "NHWC" if shape[3] == 3 else "NCHW"
    width, height = picture_size(shape, options, layout=layout, usual=None)
    outputs = graph_outputs(model)
    boxes = [n for n, shape in outputs.items() if shape == _BOXES]
    if (width, height) != (128, 128) or len(boxes) != 1 or len(outputs) != 2:
        raise ModelError(
            f"an input of {width}x{height}, outputs {describe(outputs)}; expected 128x128, one of "
            f"{'x'.join(map(str, _BOXES))} and one of {'x'.join(map(str, _SCORES))}"
        )
    return {
        "task": "find-face",
        "input": {
            "name": name,
            "width": width,
            "height": height,
            "layout": layout,
            "order": "RGB",
            **HALVES,
        },
        "output": {"name": boxes[0]},
    }


SHORT_RANGE = Release(
    "MediaPipe face detection, short range", "face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8", 229714,
    "this project, of the file in the wheel of mediapipe 0.10.21",
)  # fmt: skip

IMPORTER = Importer(
    "face-finder", "MediaPipe face detection", "Apache-2.0", _fits, _manifest, (SHORT_RANGE,)
)
