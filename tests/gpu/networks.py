"""What runs the shipped network here: TensorRT where it can be had, else a runner for tests.

Both pipelines are given the same one, so that what is compared is the path and not the network.
Without ONNX Runtime the trace can still be taken, so it is imported where it is wanted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.cuda.context import Context
from appliance.errors import MissingDependency, ModelError
from appliance.networks.base import DeviceRunner, Matting
from appliance.networks.manifest import Manifest, load_manifest
from appliance.networks.on_gpu import OnGpu, tensorrt_on_gpu
from tests.gpu.device import EMULATED, make_context


class HostNetwork:
    """ONNX Runtime on the CPU over the same device buffers; it waits, and copies both ways."""

    recordable = False
    phase = 0

    def __init__(self, manifest: Manifest, model: Path, context: Context) -> None:
        from appliance.networks.onnxruntime import OnnxRuntimeMatting

        self.manifest = manifest
        self._matting = OnnxRuntimeMatting(manifest, model)
        self.description = f"{self._matting.description}, over device buffers (a runner for tests)"
        self._context = context
        spec = manifest.input
        if spec.layout != "NCHW" or manifest.output.activation != "none":
            raise ModelError(f"{manifest.name}: not a network that this runner is for")
        self._tensor = np.empty(spec.shape, np.float32)
        self.input = context.alloc(self._tensor.nbytes)
        self.output = context.alloc(4 * spec.height * spec.width)
        self.output_shape: tuple[int, ...] = (1, 1, spec.height, spec.width)

    def launch(self) -> None:
        self._run(remember=True)

    def launch_aside(self) -> None:
        self._run(remember=False)

    def _run(self, *, remember: bool) -> None:
        context = self._context
        context.download(self.input, self._tensor)
        self._matting.input[:] = self._tensor[0]
        alpha = np.ascontiguousarray(self._matting.infer(remember=remember))
        with context.guard("copying alpha"):
            context.driver.memcpy_htod(self.output.address, alpha)

    def advance(self) -> None:
        """It has, in ``launch``."""

    def reset(self) -> None:
        self._matting.reset()

    def close(self) -> None:
        """Memory goes by itself."""


def host_network(manifest: Path) -> OnGpu:
    """A network of a manifest, run by ``HostNetwork``."""
    found, model = load_manifest(manifest)

    def load(context: Context) -> DeviceRunner:
        return HostNetwork(found, model, context)

    return OnGpu(found, "ONNX Runtime over device buffers", load, make_context)


def tensorrt(manifest: Path) -> OnGpu | str:
    """A network of a manifest by TensorRT, traced, or why it cannot be had."""
    if EMULATED:
        return "emulated"
    try:
        chosen = tensorrt_on_gpu(*load_manifest(manifest))
    except (MissingDependency, ModelError) as error:
        return str(error)
    return OnGpu(chosen.manifest, chosen.description, chosen.load, make_context)


def pair(manifest: Path) -> tuple[OnGpu, Matting, str]:
    """The network for the GPU's pipeline and for the CPU's, and which runner that is, and why."""
    found, model = load_manifest(manifest)
    chosen = tensorrt(manifest)
    if isinstance(chosen, OnGpu):
        from appliance.networks.tensorrt import load_tensorrt

        return chosen, load_tensorrt(found, model), chosen.description
    from appliance.networks.onnxruntime import OnnxRuntimeMatting

    return (
        host_network(manifest), OnnxRuntimeMatting(found, model),
        f"ONNX Runtime over the same device buffers; no TensorRT: {chosen}",
    )  # fmt: skip
