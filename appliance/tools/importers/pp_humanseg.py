"""PP-HumanSeg: portrait segmentation, 192x192, pixels in -1..1, two channels, the person second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.tools.importers.base import (
    HALVES,
    Fields,
    Importer,
    Options,
    Release,
    Shapes,
    first_output,
    made_by,
    only_picture,
    picture_size,
)

if TYPE_CHECKING:
    from onnx import ModelProto

_ORIGIN = "the Git LFS pointer in OpenCV Zoo, models/human_segmentation_pphumanseg"


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    if len(inputs) != 1 or len(outputs) != 1:
        return False
    shape = next(iter(inputs.values()))
    given = next(iter(outputs.values()))
    name = next(iter(outputs))
    return name.startswith("save_infer_model") or (
        shape[2:] == (192, 192) and len(given) == 4 and given[1] == 2
    )


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    width, height = picture_size(shape, options, layout="NCHW", usual=(192, 192))
    output = first_output(model)
    return {
        "input": {"name": name, "width": width, "height": height, **HALVES},
        "output": {
            "name": output,
            "channel": 1,
            "activation": "none" if made_by(model, output) == "Softmax" else "softmax",
        },
    }


IMPORTER = Importer(
    "pp-humanseg",
    "PP-HumanSeg",
    "Apache-2.0",
    _fits,
    _manifest,
    (
        Release(
            "PP-HumanSeg, OpenCV Zoo, 2023mar", "human_segmentation_pphumanseg_2023mar.onnx",
            "552d8a984054e59b5d773d24b9b12022b22046ceb2bbc4c9aaeaceb36a9ddf24", 6163938, _ORIGIN,
        ),
        Release(
            "PP-HumanSeg, OpenCV Zoo, 2021", "human_segmentation_pphumanseg_2021oct.onnx",
            "307dcfce41e793c8440b2a66b953c977fe3103a1c46babd56d06a9312eb2b92f", 6249491, _ORIGIN,
        ),
    ),
)  # fmt: skip
