"""RobustVideoMatting: recurrent; its downsample_ratio becomes a constant.

TensorRT's Resize cannot take the ratio as an input, and with it fixed every shape is known. The
recurrent tensors' shapes follow from size and ratio; they are read off a first run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from appliance.errors import ModelError
from appliance.networks.onnxruntime import ORT_ERRORS
from appliance.tools.engine.graph import (
    bake_constant,
    graph_inputs,
    graph_outputs,
    set_input_shapes,
)
from appliance.tools.importers.base import (
    Fields,
    Importer,
    Options,
    Release,
    Shapes,
    describe,
    picture_size,
)

if TYPE_CHECKING:
    from onnx import ModelProto

_STATES = (("r1i", "r1o"), ("r2i", "r2o"), ("r3i", "r3o"), ("r4i", "r4o"))
_RATIO = "downsample_ratio"
_ORIGIN = "several projects that fetch these files from the authors' release v1.0.0 and pin them"
_WHOLE_BELOW = 512
"""Its authors' advice: the coarse network sees about 256 to 512 pixels on the longer side."""


def _fits(inputs: Shapes, outputs: Shapes) -> bool:
    wanted = {"src", *(i for i, _ in _STATES)}
    return wanted <= set(inputs) and {"pha", *(o for _, o in _STATES)} <= set(outputs)


def _manifest(model: ModelProto, options: Options) -> Fields:
    inputs = graph_inputs(model)
    width, height = picture_size(inputs["src"], options, layout="NCHW", usual=(512, 288))
    ratio = options.downsample or min(1.0, _WHOLE_BELOW / max(width, height))
    if not 0 < ratio <= 1:
        raise ModelError(f"--downsample {ratio:g}: expected a ratio above 0, up to 1")
    if _RATIO in inputs:
        bake_constant(model, _RATIO, np.asarray([ratio], np.float32))
    elif options.downsample is not None:
        raise ModelError("this graph has no downsample_ratio left to set; leave --downsample out")
    # The foreground is estimated by the appliance itself, over the picture in full size.
    keep = {"pha", *(o for _, o in _STATES)}
    kept = [o for o in model.graph.output if o.name in keep]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    shapes = _state_shapes(model, width, height)
    set_input_shapes(model, {"src": (1, 3, height, width), **{i: shapes[o] for i, o in _STATES}})
    return {
        "title": f"RobustVideoMatting, downsample_ratio {ratio:g}",
        "input": {"name": "src", "width": width, "height": height},
        "output": {"name": "pha"},
        "state": [{"input": i, "output": o, "shape": list(shapes[o])} for i, o in _STATES],
    }


def _state_shapes(model: ModelProto, width: int, height: int) -> dict[str, tuple[int, ...]]:
    """By its own convention a state of one zero stands for zeros of whatever shape it has."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    feeds = {"src": np.zeros((1, 3, height, width), np.float32)}
    for name, shape in graph_inputs(model).items():
        if name != "src":
            feeds[name] = np.zeros([n if isinstance(n, int) else 1 for n in shape], np.float32)
    names = [o for _, o in _STATES]
    try:
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        made = session.run(names, feeds)
    except ORT_ERRORS as error:
        detail = " ".join(str(error).split())[:300]
        raise ModelError(
            f"a first run at {width}x{height} failed, inputs {describe(graph_inputs(model))}, "
            f"outputs {describe(graph_outputs(model))}: {detail}"
        ) from error
    return {n: tuple(map(int, v.shape)) for n, v in zip(names, made, strict=True)}


IMPORTER = Importer(
    "rvm",
    "RobustVideoMatting",
    "GPL-3.0 (whoever passes the network on, or a product with it, must heed its terms)",
    _fits,
    _manifest,
    (
        Release(
            "RobustVideoMatting, MobileNetV3", "rvm_mobilenetv3_fp32.onnx",
            "88d4531297118f595bf2fd60f6f566aec2e559393802d1f436c380f0cbbd2828", 14975696, _ORIGIN,
        ),
        Release(
            "RobustVideoMatting, ResNet-50", "rvm_resnet50_fp32.onnx",
            "25db300fcb6ee27f941a1b52c97856e8d1f13c7f35817f81a612f89af0e8a85c", None, _ORIGIN,
        ),
    ),
)  # fmt: skip
