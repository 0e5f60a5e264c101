"""From the settings to a network that is ready to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from appliance.config.settings import MattingSettings
from appliance.errors import MatteboxError, MissingDependency, ModelError
from appliance.networks.base import Matting
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest

if TYPE_CHECKING:
    from appliance.networks.on_gpu import OnGpu

_log = structlog.get_logger("matting")


def choose_network(settings: MattingSettings) -> Matting | OnGpu:
    """The network that the settings name, for the frame path that it is run in.

    With ``auto`` that is a TensorRT plan, for the path on the GPU, where the network has one that
    this machine may load and all that it takes is here; else ONNX Runtime, for the path on the CPU.
    Which, and why, is logged. Raises ModelError when the network, its manifest, or the runtime
    asked for cannot be used.
    """
    from appliance.networks.on_gpu import tensorrt_on_gpu

    return _choose(settings, tensorrt_on_gpu)


def load_matting(settings: MattingSettings) -> Matting:
    """Load the network that the settings name, for frames that are in the host's memory.

    The choice is ``choose_network``'s; TensorRT then has a thread of its own, and every frame is
    copied to it and back. Raises as ``choose_network`` does.
    """
    from appliance.networks.tensorrt import load_tensorrt

    return _choose(settings, load_tensorrt)


class _Described(Protocol):
    @property
    def description(self) -> str: ...


_Made = TypeVar("_Made", bound=_Described)


def _choose(
    settings: MattingSettings, tensorrt: Callable[[Manifest, Path], _Made]
) -> Matting | _Made:
    from appliance.cuda.compile import KernelBuildError

    manifest, model = load_manifest(find_manifest(settings.model, model_folders()))
    if settings.runtime == "onnxruntime":
        return _on_the_cpu(manifest, model, settings)
    try:
        chosen = tensorrt(manifest, model)
    except (MissingDependency, ModelError, KernelBuildError) as error:
        return instead(settings, error)
    _log.info("matting.runtime: TensorRT", asked=settings.runtime, engine=chosen.description)
    return chosen


def instead(settings: MattingSettings, error: MatteboxError) -> Matting:
    """ONNX Runtime, where TensorRT cannot be used because of ``error`` and need not be.

    Raises ModelError where the settings insist on TensorRT.
    """
    if settings.runtime == "tensorrt":
        raise ModelError(f"matting.runtime is tensorrt: {error}") from error
    _log.info("matting.runtime auto: ONNX Runtime", why=str(error))
    return _on_the_cpu(*load_manifest(find_manifest(settings.model, model_folders())), settings)


def _on_the_cpu(manifest: Manifest, model: Path, settings: MattingSettings) -> Matting:
    from appliance.networks.onnxruntime import OnnxRuntimeMatting

    matting = OnnxRuntimeMatting(manifest, model, settings.threads)
    if manifest.smaller:
        beside = find_manifest(settings.model, model_folders()).resolve().parent.parent
        try:
            smaller = load_manifest(beside / manifest.smaller / "manifest.yaml")
            matting.smaller = OnnxRuntimeMatting(*smaller, settings.threads)
        except ModelError as error:
            # It is only for need, and the network itself is sound.
            _log.warning("the network has no smaller input for when it has to", why=str(error))
    return matting
