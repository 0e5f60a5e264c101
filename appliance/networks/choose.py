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
from appliance.networks.manifest import find_manifest, load_manifest

if TYPE_CHECKING:
    from appliance.networks.on_gpu import OnGpu

_log = structlog.get_logger("matting")


def choose_network(settings: MattingSettings) -> Matting | OnGpu:
    """Choose the network that the settings name, on the GPU or on the CPU.

    With ``auto`` that is a TensorRT plan, for the GPU path, if the network has one that this
    machine may load and everything needed to run it is available; else ONNX Runtime, for the CPU
    path. The choice and the reason for it are logged. Raises ModelError when the network, its
    manifest, or the requested runtime cannot be used.
    """
    from appliance.networks.on_gpu import shapes_on_gpu

    return _choose(settings, shapes_on_gpu)


def load_matting(settings: MattingSettings) -> Matting:
    """Load the network that the settings name, for frames in host memory.

    Chosen as by ``choose_network``; TensorRT then has a thread of its own, every frame is copied to
    the GPU and back, and upright parts of it get the network's usual input. Raises as
    ``choose_network`` does.
    """
    from appliance.networks.tensorrt import load_tensorrt

    return _choose(settings, lambda path: load_tensorrt(*load_manifest(path)))


class _Described(Protocol):
    @property
    def description(self) -> str: ...


_Made = TypeVar("_Made", bound=_Described)


def _choose(settings: MattingSettings, tensorrt: Callable[[Path], _Made]) -> Matting | _Made:
    from appliance.cuda.compile import KernelBuildError

    path = find_manifest(settings.model, model_folders())
    load_manifest(path)
    if settings.keyer:
        if settings.runtime == "tensorrt":
            raise ModelError(
                f"matting.runtime is tensorrt, and matting.model {settings.model} is the keyer, "
                "which runs on the processor: set matting.runtime to auto or onnxruntime"
            )
        return _on_the_cpu(path, settings)
    if settings.runtime == "onnxruntime":
        return _on_the_cpu(path, settings)
    try:
        chosen = tensorrt(path)
    except (MissingDependency, ModelError, KernelBuildError) as error:
        return instead(settings, error)
    _log.info("matting.runtime: TensorRT", asked=settings.runtime, engine=chosen.description)
    return chosen


def load_on_cpu(settings: MattingSettings) -> Matting:
    """Load the network that the settings name into ONNX Runtime, whatever else there is.

    For a picture now and then: without its smaller one. Raises ModelError when it cannot be used.
    """
    from appliance.networks.sizes import with_upright

    return with_upright(find_manifest(settings.model, model_folders()), settings.threads)


def instead(settings: MattingSettings, error: MatteboxError) -> Matting:
    """Fall back to ONNX Runtime, as ``error`` keeps TensorRT from being used.

    Raises ModelError if the settings insist on TensorRT.
    """
    if settings.runtime == "tensorrt":
        raise ModelError(f"matting.runtime is tensorrt: {error}") from error
    _log.info("matting.runtime auto: ONNX Runtime", why=str(error))
    return _on_the_cpu(find_manifest(settings.model, model_folders()), settings)


def _on_the_cpu(path: Path, settings: MattingSettings) -> Matting:
    from appliance.networks.sizes import load_sizes

    return load_sizes(path, settings.threads)
