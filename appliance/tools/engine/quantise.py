"""INT8, explicit: Q/DQ nodes in the graph, with scales from calibration frames."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import ModelError
from appliance.media.frame import F32
from appliance.networks.manifest import Manifest
from appliance.tools.engine.frames import Pictures, tensors
from appliance.tools.engine.graph import named, onnx
from appliance.tools.engine.run_graph import states_along

if TYPE_CHECKING:
    from onnx import ModelProto

# What has INT8 kernels worth having; all else stays in floating point.
_PER_CHANNEL = 13
_OPERATORS = ["Conv", "ConvTranspose", "Gemm", "MatMul"]


def to_int8(
    model: ModelProto, manifest: Manifest, pictures: Pictures, tell: Callable[[str], None]
) -> ModelProto:
    """The graph with Q/DQ around its convolutions, symmetric, weights per channel.

    Raises ModelError when it cannot be calibrated.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    tell(f"calibrating INT8 on {len(pictures.frames)} frames")
    model = _modern(model, manifest)
    feeds = _feeds(model, manifest, pictures)

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, F32] | None:
            return next(feeds, None)

    with tempfile.TemporaryDirectory(prefix="mattebox-int8-") as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(model.SerializeToString())
        try:
            # It advises on the root logger, to do what has been done already.
            logging.disable(logging.WARNING)
            quantize_static(
                str(source), str(target), Reader(), quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_OPERATORS, per_channel=True,
                activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
                # TensorRT knows no zero points but 0, and no bias in INT32.
                extra_options={
                    "ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False,
                },
            )  # fmt: skip
        except (ValueError, RuntimeError, TypeError) as error:
            detail = " ".join(str(error).split())[:300]
            raise ModelError(f"{manifest.name}: INT8 calibration failed: {detail}") from error
        finally:
            logging.disable(logging.NOTSET)
        return named(onnx.load(str(target)))


def _modern(model: ModelProto, manifest: Manifest) -> ModelProto:
    """Scales per channel came with opset 13."""
    version = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    if version >= _PER_CHANNEL:
        return model
    from onnx import version_converter

    try:
        return named(version_converter.convert_version(model, _PER_CHANNEL))
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{manifest.name}: INT8 wants opset {_PER_CHANNEL}, the graph has {version} and cannot "
            f"be converted: {detail}; export it anew, or use --precision fp16"
        ) from error


def _feeds(model: ModelProto, manifest: Manifest, pictures: Pictures) -> Iterator[dict[str, F32]]:
    """Inputs with the recurrent state that the network has by then."""
    return states_along(model, manifest, tensors(pictures.frames, manifest))
