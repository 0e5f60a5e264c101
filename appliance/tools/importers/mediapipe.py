"""MediaPipe's selfie segmentation: general (256x256) and landscape (256x144).

As published, in TensorFlow Lite, or converted to ONNX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.tools.engine.graph import graph_outputs
from appliance.tools.importers.base import (
    Fields,
    Importer,
    Options,
    Release,
    Shapes,
    first_output,
    only_picture,
    picture_size,
)

if TYPE_CHECKING:
    from onnx import ModelProto

_SIZES = {(256, 256): "general", (144, 256): "landscape"}
"""Rows and columns, and what MediaPipe calls it."""
_PUBLISHED = "this project, of the file in the published wheel of mediapipe 0.10.21"
_BARE = "this project, of the same network without its metadata"
_CONVERTED = "this project, of the file that it compares itself with"


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    if len(inputs) != 1 or len(outputs) != 1:
        return False
    taken, given = next(iter(inputs.items())), next(iter(outputs.values()))
    if taken[0] != "input_1" or len(taken[1]) != 4 or len(given) != 4 or 1 not in given[1:]:
        return False
    size = given[1:3] if given[3] == 1 else given[2:]
    return size in _SIZES and size in (taken[1][1:3], taken[1][2:])


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    layout = "NHWC" if shape[3] == 3 else "NCHW"
    width, height = picture_size(shape, options, layout=layout, usual=None)
    output = first_output(model)
    kind = _SIZES.get((height, width), "")
    return {
        "title": "MediaPipe selfie segmentation" + (kind and f", {kind}"),
        "input": {
            "name": name,
            "width": width,
            "height": height,
            "layout": layout,
            "order": "RGB",
            "mean": [0.0] * 3,
            "scale": [1 / 255] * 3,
        },
        "output": {
            "name": output,
            "layout": "NHWC" if graph_outputs(model)[output][3] == 1 else "NCHW",
        },
    }


def _release(kind: str, form: str, file: str, sha256: str, size: int, origin: str) -> Release:
    return Release(f"MediaPipe selfie segmentation, {kind}, {form}", file, sha256, size, origin)


GENERAL = _release(
    "general", "TensorFlow Lite", "selfie_segmentation.tflite",
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c", 249505, _PUBLISHED,
)  # fmt: skip
LANDSCAPE = _release(
    "landscape", "TensorFlow Lite", "selfie_segmentation_landscape.tflite",
    "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd", 250145, _PUBLISHED,
)  # fmt: skip

IMPORTER = Importer(
    "mediapipe",
    "MediaPipe selfie segmentation",
    "Apache-2.0",
    _fits,
    _manifest,
    (
        GENERAL,
        LANDSCAPE,
        _release(
            "general", "TensorFlow Lite", GENERAL.file,
            "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27", 249024, _BARE,
        ),
        _release(
            "landscape", "TensorFlow Lite", LANDSCAPE.file,
            "4aafe6223bb8dac6fac8ca8ed56852870a33051ef3f6238822d282a109962894", 249792, _BARE,
        ),
        # Two conversions (tf2onnx, opset 14) that this project compares itself with.
        _release(
            "general", "tf2onnx", "selfie_segmentation.onnx",
            "9f961daa0fe875367720187b351915f4033442b4abecb1a0006705b04fd457dd", 450339, _CONVERTED,
        ),
        _release(
            "landscape", "tf2onnx", "selfie_segmentation_landscape.onnx",
            "2a106f28c8c4fac4949a58b91d77603337f57694afa595803fe740e35370e518", 449875, _CONVERTED,
        ),
    ),
)  # fmt: skip
