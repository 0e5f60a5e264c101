"""From the settings to a network that is ready to run."""

from __future__ import annotations

from pathlib import Path

import structlog

from appliance.errors import MissingDependency, ModelError
from appliance.matting.base import Matting
from appliance.matting.folders import model_folders
from appliance.matting.manifest import Manifest, find_manifest, load_manifest
from appliance.settings import Matting as MattingSettings

_log = structlog.get_logger("matting")


def load_matting(settings: MattingSettings) -> Matting:
    """Load the network that the settings name, by the runtime that they name.

    With ``auto`` that is TensorRT where the network has a plan that this machine may load, else
    ONNX Runtime; which, and why, is logged. Raises ModelError when the network, its manifest, or
    the runtime asked for cannot be used.
    """
    manifest, model = load_manifest(find_manifest(settings.model, model_folders()))
    if settings.runtime == "onnxruntime":
        return _on_the_cpu(manifest, model, settings)
    from appliance.matting.tensorrt import load_tensorrt

    try:
        matting = load_tensorrt(manifest, model)
    except (MissingDependency, ModelError) as error:
        if settings.runtime == "tensorrt":
            raise ModelError(f"matting.runtime is tensorrt: {error}") from error
        _log.info("matting.runtime auto: ONNX Runtime", why=str(error))
        return _on_the_cpu(manifest, model, settings)
    _log.info("matting.runtime: TensorRT", asked=settings.runtime, engine=matting.description)
    return matting


def _on_the_cpu(manifest: Manifest, model: Path, settings: MattingSettings) -> Matting:
    from appliance.matting.onnxruntime import OnnxRuntimeMatting

    return OnnxRuntimeMatting(manifest, model, settings.threads)
