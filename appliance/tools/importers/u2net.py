"""U2-Net and U2-Netp: human segmentation, background removal. 320x320, ImageNet's normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.tools.importers.base import (
    IMAGENET,
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

_SIDE_OUTPUTS = 7
"""The fused map first, then the six it is fused from."""

_ORIGIN = "several projects that fetch these files from rembg's release v0.0.0 and pin them"


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    return len(inputs) == 1 and len(outputs) == _SIDE_OUTPUTS


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    width, height = picture_size(shape, options, layout="NCHW", usual=(320, 320))
    fused = first_output(model)
    # Nobody asks for the other six: without them, nothing has to be kept for them.
    del model.graph.output[1:]
    return {
        "input": {"name": name, "width": width, "height": height, **IMAGENET},
        "output": {"name": fused},
    }


IMPORTER = Importer(
    "u2net",
    "U2-Net",
    "Apache-2.0",
    _fits,
    _manifest,
    (
        Release(
            "U2-Net", "u2net.onnx",
            "8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491", 175997641, _ORIGIN,
        ),
        Release(
            "U2-Netp", "u2netp.onnx",
            "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8", 4574861, _ORIGIN,
        ),
        Release(
            "U2-Net human segmentation", "u2net_human_seg.onnx",
            "01eb6a29a5c4d8edb30b56adad9bb3a2a0535338e480724a213e0acfd2d1c73c", 175997641, _ORIGIN,
        ),
    ),
)  # fmt: skip
