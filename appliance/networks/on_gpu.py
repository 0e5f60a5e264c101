"""A network chosen to run on the GPU, not loaded yet: the thread that owns the GPU loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.cuda import compile
from appliance.cuda.context import Context, load_driver
from appliance.networks.base import DeviceRunner
from appliance.networks.manifest import Manifest
from appliance.networks.plans.here import engine_here
from appliance.networks.tensorrt_device import DeviceNetwork, describe


@dataclass(frozen=True, slots=True)
class OnGpu:
    """A network for the path that keeps its frames on the GPU.

    Attributes:
        manifest: the network's.
        description: what is going to run it, in words, for the log.
        load: loads it, in the thread that made the context. Raises PlanError, GpuError.
        make_context: takes the GPU, in the thread that is going to own it. Raises
            MissingDependency, GpuError.
    """

    manifest: Manifest
    description: str
    load: Callable[[Context], DeviceRunner]
    make_context: Callable[[], Context] = Context


def tensorrt_on_gpu(manifest: Manifest, model: Path) -> OnGpu:
    """The network's newest TensorRT plan that this machine may load, with all that it takes here.

    What can be found out without a context is: TensorRT, the GPU, the plan and its hashes, pycuda,
    and kernels compiled for this GPU (they are compiled now where they are not kept yet).

    Raises MissingDependency without one of them, PlanError without a plan that fits,
    KernelBuildError when the kernels do not compile.
    """
    found = engine_here(manifest, model)
    load_driver()
    compile.image(found.plan.sidecar.target.removeprefix("sm"))

    def load(context: Context) -> DeviceNetwork:
        return DeviceNetwork(manifest, found.plan, found.flavour, context)

    return OnGpu(manifest, describe(manifest, found.plan), load)
