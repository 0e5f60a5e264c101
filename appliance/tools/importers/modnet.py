"""MODNet: portrait matting, one picture in -1..1, sides multiples of 32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import ModelError
from appliance.tools.importers.base import (
    HALVES,
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

_STEP = 32


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    # Its exporter names them so and leaves the size open.
    return list(inputs) == ["input"] and list(outputs) == ["output"]


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    width, height = picture_size(shape, options, layout="NCHW", usual=(512, 288))
    if width % _STEP or height % _STEP:
        raise ModelError(
            f"MODNet's input is {width}x{height}, both sides must be multiples of {_STEP}; try "
            f"--size {max(1, round(width / _STEP)) * _STEP}x{max(1, round(height / _STEP)) * _STEP}"
        )
    return {
        "input": {"name": name, "width": width, "height": height, **HALVES},
        "output": {"name": first_output(model)},
    }


IMPORTER = Importer(
    "modnet",
    "MODNet portrait matting",
    "Apache-2.0 (its first release, of 2020, was CC BY-NC-SA 4.0: see what came with your file)",
    _fits,
    _manifest,
    (
        Release(
            "MODNet, photographic portraits", "modnet_photographic_portrait_matting.onnx",
            "07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9", 25888640,
            "several projects that fetch this file from different places and pin it",
        ),
    ),
)  # fmt: skip
