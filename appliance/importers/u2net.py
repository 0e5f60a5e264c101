"""U2-Net and U2-Netp: human segmentation, background removal. 320x320, ImageNet's normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.importers.base import (
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

_ORIGIN = "rembg's sources, which fetch these files from its release v0.0.0"


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
        Release("U2-Net", "md5", "60024c5c889badc19c04ad937298a77b", None, _ORIGIN),
        Release("U2-Netp", "md5", "8e83ca70e441ab06c318d82300c84806", None, _ORIGIN),
        Release(
            "U2-Net human segmentation", "md5", "c09ddc2e0104f800e3e1bb4652583d1f", None, _ORIGIN
        ),
    ),
)
