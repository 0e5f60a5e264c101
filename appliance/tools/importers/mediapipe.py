"""MediaPipe's selfie segmentation, converted to ONNX: general (256x256) and landscape (256x144)."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

_SIZES = {(256, 256), (144, 256)}


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    if len(inputs) != 1 or len(outputs) != 1:
        return False
    taken, given = next(iter(inputs.items())), next(iter(outputs.values()))
    return (
        taken[0] == "input_1"
        and len(given) == 4
        and given[1:3] in _SIZES
        and given[3] == 1
        and (taken[1][1:3] == given[1:3] or taken[1][2:] == given[1:3])
    )


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    layout = "NHWC" if shape[3] == 3 else "NCHW"
    width, height = picture_size(shape, options, layout=layout, usual=None)
    return {
        "input": {"name": name, "width": width, "height": height, "layout": layout},
        "output": {"name": first_output(model), "layout": "NHWC"},
    }


IMPORTER = Importer(
    "mediapipe",
    "MediaPipe selfie segmentation",
    "Apache-2.0",
    _fits,
    _manifest,
    # Of the two conversions (tf2onnx, opset 14) that this project compares itself with.
    (
        Release(
            "MediaPipe selfie segmentation, general, tf2onnx", "selfie_segmentation.onnx",
            "9f961daa0fe875367720187b351915f4033442b4abecb1a0006705b04fd457dd", 450339,
            "measured on the file that this project uses",
        ),
        Release(
            "MediaPipe selfie segmentation, landscape, tf2onnx",
            "selfie_segmentation_landscape.onnx",
            "2a106f28c8c4fac4949a58b91d77603337f57694afa595803fe740e35370e518", 449875,
            "measured on the file that this project uses",
        ),
    ),
)  # fmt: skip
