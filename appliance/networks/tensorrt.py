"""Matting on the GPU by TensorRT, behind the same protocol as on the CPU.

Not run on hardware yet: see ``tensorrt_device``. Importable without tensorrt and without pycuda.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from pathlib import Path

import numpy as np

from appliance.cuda.context import Context
from appliance.errors import MattingError
from appliance.media.frame import F32
from appliance.networks.activation import activate
from appliance.networks.base import Matting
from appliance.networks.manifest import Manifest
from appliance.networks.plans.flavour import Flavour
from appliance.networks.plans.here import engine_here
from appliance.networks.plans.verify import Plan
from appliance.networks.tensorrt_device import DeviceNetwork

_LOAD_S, _INFER_S = 60.0, 2.0
"""Seconds after which loading an engine, and waiting for a frame, are given up."""


class TensorRTMatting:
    """A network as a TensorRT engine.

    One thread owns the context and does all GPU work; loading, inference and closing may be
    called from different threads. ``input`` is pinned host memory. A path whose frames are
    already on the GPU uses ``DeviceNetwork`` directly and copies nothing. ``smaller`` and
    ``upright`` are left None: each would need a context of its own.
    """

    def __init__(
        self, manifest: Manifest, plan: Plan, flavour: Flavour, make_context: Callable[[], Context]
    ) -> None:
        """Load; ``make_context`` is called in the thread that will own the context.

        Raises PlanError when the engine cannot be used, MissingDependency without pycuda or a GPU,
        GpuError when CUDA fails.
        """
        self.manifest = manifest
        self.smaller: Matting | None = None
        self.upright: Matting | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gpu")
        try:
            self._work: _Work = self._thread.submit(
                _Work, manifest, plan, flavour, make_context
            ).result(_LOAD_S)
        except BaseException:
            self._thread.shutdown(wait=False, cancel_futures=True)
            raise
        tensor = self._work.host_input[0]
        self._planes: F32 = tensor if manifest.input.layout == "NCHW" else np.moveaxis(tensor, 2, 0)
        self.description = self._work.network.description
        self._end = weakref.finalize(self, _close, self._thread, self._work)

    @property
    def input(self) -> F32:
        """float32 (3, height, width) view of the input tensor, in pinned memory."""
        return self._planes

    def infer(self, *, remember: bool = True) -> F32:
        """See ``Matting.infer``."""
        try:
            raw = self._thread.submit(self._work.infer, remember).result(_INFER_S)
        except Late:
            raise MattingError(
                f"{self.manifest.name}: the GPU did not answer within {_INFER_S:g} s"
            ) from None
        return activate(raw, self.manifest.output)

    def reset(self) -> None:
        """Zero the recurrent state."""
        try:
            self._thread.submit(self._work.network.reset).result(_INFER_S)
        except Late:
            raise MattingError(
                f"{self.manifest.name}: the GPU did not answer within {_INFER_S:g} s"
            ) from None

    def close(self) -> None:
        """Release the GPU. Happens by itself when the object is garbage-collected."""
        self._end()


class _Work:
    """What only the GPU thread touches, except for the pinned input between two frames."""

    def __init__(
        self, manifest: Manifest, plan: Plan, flavour: Flavour, make_context: Callable[[], Context]
    ) -> None:
        self._context = make_context()
        try:
            self.network = DeviceNetwork(manifest, plan, flavour, self._context)
            self.host_input: F32 = self._context.pinned(manifest.input.shape, np.float32)
            self.host_input[:] = 0
            self._host_output: F32 = self._context.pinned(self.network.output_shape, np.float32)
        except BaseException:
            self._context.close()
            raise

    def infer(self, remember: bool) -> F32:
        """Upload, run, download; the frame's only wait. The next call overwrites the result."""
        context, network = self._context, self.network
        with context.guard("copying the frame to the GPU"):
            context.driver.memcpy_htod_async(network.input.address, self.host_input, context.stream)
        network.enqueue(remember=remember)
        with context.guard("copying alpha from the GPU"):
            context.driver.memcpy_dtoh_async(
                self._host_output, network.output.address, context.stream
            )
        context.synchronize()
        return self._host_output

    def close(self) -> None:
        """Engine and buffers first, then the context."""
        self.network.close()
        self._context.close()


def _close(thread: ThreadPoolExecutor, work: _Work) -> None:
    thread.submit(work.close)
    thread.shutdown(wait=False)


def load_tensorrt(
    manifest: Manifest, model: Path, make_context: Callable[[], Context] = Context
) -> TensorRTMatting:
    """Load the network's newest plan that this machine may load.

    Raises MissingDependency without TensorRT, pycuda or a GPU, PlanError when no plan fits.
    """
    found = engine_here(manifest, model)
    return TensorRTMatting(manifest, found.plan, found.flavour, make_context)
