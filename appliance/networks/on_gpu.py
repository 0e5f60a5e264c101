"""A network chosen to run on the GPU, not loaded yet: the thread that owns the GPU loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from appliance.cuda import compile
from appliance.cuda.compile import KernelBuildError
from appliance.cuda.context import Context, load_driver
from appliance.errors import MissingDependency, ModelError
from appliance.networks.base import DeviceRunner
from appliance.networks.beside import UPRIGHT_MISSING, upright_of
from appliance.networks.manifest import Manifest, load_manifest
from appliance.networks.plans.here import engine_here
from appliance.networks.tensorrt_device import DeviceNetwork, describe

_log = structlog.get_logger("matting")


@dataclass(frozen=True, slots=True)
class OnGpu:
    """A network for the path that keeps its frames on the GPU.

    Attributes:
        manifest: the network's.
        description: what will run it, in words, for the log.
        load: loads it, in the thread that made the context. Raises PlanError, GpuError.
        make_context: claims the GPU, in the thread that will own it. Raises MissingDependency,
            GpuError.
        upright: the same network with an upright input; its ``load`` gets the same context.
    """

    manifest: Manifest
    description: str
    load: Callable[[Context], DeviceRunner]
    make_context: Callable[[], Context] = Context
    upright: OnGpu | None = None


def shapes_on_gpu(path: Path) -> OnGpu:
    """The network of the manifest at ``path`` on the GPU, with its upright input if it has one.

    Without a plan for the upright one, or if that cannot be used, this is logged, and the network's
    usual input serves for everything. Raises as ``tensorrt_on_gpu`` does, for the network itself,
    and ModelError when its manifest cannot be used.
    """
    chosen = tensorrt_on_gpu(*load_manifest(path))
    try:
        upright = upright_of(path)
        if upright is None:
            return chosen
        return replace(chosen, upright=tensorrt_on_gpu(*load_manifest(upright)))
    except (MissingDependency, ModelError, KernelBuildError) as error:
        _log.warning(UPRIGHT_MISSING, network=chosen.manifest.name, why=str(error))
        return chosen


def tensorrt_on_gpu(manifest: Manifest, model: Path) -> OnGpu:
    """The network's newest TensorRT plan that this machine may load, its prerequisites checked.

    Everything that can be checked without a context is: TensorRT, the GPU, the plan and its
    hashes, pycuda, and the kernels for this GPU (compiled now unless they are in the cache).

    Raises MissingDependency when one of them is missing, PlanError when no plan fits,
    KernelBuildError when the kernels do not compile.
    """
    found = engine_here(manifest, model)
    load_driver()
    compile.image(found.plan.sidecar.target.removeprefix("sm"))

    def load(context: Context) -> DeviceNetwork:
        return DeviceNetwork(manifest, found.plan, found.flavour, context)

    return OnGpu(manifest, describe(manifest, found.plan), load)
