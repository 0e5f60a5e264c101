"""MediaPipe's pose landmarks (BlazePose): lite, full and heavy, as published in TensorFlow Lite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import ModelError
from appliance.networks.pose import NUMBERS, POINTS
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

_LANDMARKS, _PRESENT = (1, POINTS * NUMBERS), (1, 1)


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    shapes = list(outputs.values())
    return len(inputs) == 1 and shapes.count(_LANDMARKS) == 1 and shapes.count(_PRESENT) == 1


def _manifest(model: ModelProto, options: Options) -> Fields:
    """Fields for a pose; the graph keeps landmarks and presence, and loses mask and heat maps."""
    name, shape = only_picture(model)
    layout = "NHWC" if shape[3] == 3 else "NCHW"
    width, height = picture_size(shape, options, layout=layout, usual=None)
    if width != height:
        raise ModelError(f"the input is {width}x{height}; expected a square")
    outputs = graph_outputs(model)
    kept = [o for o in model.graph.output if outputs[o.name] in (_LANDMARKS, _PRESENT)]
    landmarks = [o.name for o in kept if outputs[o.name] == _LANDMARKS]
    if len(landmarks) != 1 or len(kept) != 2:
        raise ModelError(
            f"outputs {describe(outputs)}; expected one of 1x{_LANDMARKS[1]}, the landmarks, and "
            "one of 1x1"
        )
    del model.graph.output[:]
    model.graph.output.extend(kept)
    return {
        "task": "pose",
        "input": {
            "name": name,
            "width": width,
            "height": height,
            "layout": layout,
            "order": "RGB",
            "mean": [0.0] * 3,
            "scale": [1 / 255] * 3,
        },
        "output": {"name": landmarks[0]},
    }


def _release(kind: str, sha256: str, size: int) -> Release:
    return Release(
        f"MediaPipe pose landmarks, {kind}", f"pose_landmark_{kind}.tflite", sha256, size,
        "this project, of the files in the published npm package @mediapipe/pose 0.5.1675469404",
    )  # fmt: skip


FULL = _release("full", "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f", 6440512)

IMPORTER = Importer(
    "pose",
    "MediaPipe pose landmarks",
    "Apache-2.0",
    _fits,
    _manifest,
    (
        FULL,
        _release(
            "lite", "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61", 2819824
        ),
        _release(
            "heavy", "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe", 27709200
        ),
    ),
)
