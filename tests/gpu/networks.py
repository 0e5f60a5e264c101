"""What runs the shipped network here: TensorRT where it can be had, else a runner for tests.

Both pipelines are given the same one, so that what is compared is the path and not the network.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.errors import MissingDependency, ModelError
from appliance.matting.base import Matting
from appliance.matting.manifest import Manifest, load_manifest
from appliance.matting.on_gpu import OnGpu, tensorrt_on_gpu
from appliance.matting.onnxruntime import OnnxRuntimeMatting
from appliance.pixels.cuda_context import Context
from appliance.pixels.cuda_network import DeviceRunner
from tests.gpu.device import EMULATED, make_context


class HostNetwork:
    """ONNX Runtime on the CPU over the same device buffers; it waits, and copies both ways."""

    recordable = False
    phase = 0

    def __init__(self, manifest: Manifest, model: Path, context: Context) -> None:
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


def pair(manifest: Path) -> tuple[OnGpu, Matting, str]:
    """The network for the GPU's pipeline and for the CPU's, and which runner that is, and why."""
    found, model = load_manifest(manifest)
    if not EMULATED:
        try:
            from appliance.matting.tensorrt import load_tensorrt

            chosen = tensorrt_on_gpu(found, model)
            traced = OnGpu(chosen.manifest, chosen.description, chosen.load, make_context)
            return traced, load_tensorrt(found, model), chosen.description
        except (MissingDependency, ModelError) as error:
            why = str(error)
    else:
        why = "emulated"
    return (
        host_network(manifest), OnnxRuntimeMatting(found, model),
        f"ONNX Runtime over the same device buffers; no TensorRT: {why}",
    )  # fmt: skip
