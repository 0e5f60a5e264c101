"""Any network of one picture in and one alpha out, RGB in 0..1 unless its manifest is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import ModelError
from appliance.tools.engine.graph import graph_outputs
from appliance.tools.importers.base import (
    Fields,
    Importer,
    Options,
    Shapes,
    describe,
    first_output,
    made_by,
    only_picture,
    picture_size,
)

if TYPE_CHECKING:
    from onnx import ModelProto


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    return len(inputs) == 1


def _manifest(model: ModelProto, options: Options) -> Fields:
    name, shape = only_picture(model)
    layout = "NHWC" if shape[3] == 3 and shape[1] != 3 else "NCHW"
    width, height = picture_size(shape, options, layout=layout, usual=None)
    output = first_output(model)
    out = graph_outputs(model)[output]
    if len(out) != 4:
        raise ModelError(f"expected an output of four dimensions, found {describe({output: out})}")
    out_layout = "NHWC" if out[3] in (1, 2) and out[1] not in (1, 2) else "NCHW"
    channels = out[3] if out_layout == "NHWC" else out[1]
    two = channels == 2
    last = made_by(model, output)
    return {
        "input": {"name": name, "width": width, "height": height, "layout": layout},
        "output": {
            "name": output,
            "layout": out_layout,
            "channel": int(two),
            "activation": "softmax" if two and last != "Softmax" else "none",
        },
    }


IMPORTER = Importer("any", "a network of one input and one output", "", _fits, _manifest)
