"""The two TensorRTs: ``tensorrt`` and ``tensorrt_rtx``, one API under two names.

Neither is imported before it is asked for: the appliance starts without them.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import platform as machine
from dataclasses import dataclass
from typing import Any

from appliance.errors import BuildError, MissingDependency

NAMES = ("tensorrt", "tensorrt_rtx")
_COMPUTE_CAPABILITY_MAJOR, _COMPUTE_CAPABILITY_MINOR = 75, 76


@dataclass(frozen=True, slots=True)
class Flavour:
    """One TensorRT that is installed."""

    name: str
    version: str
    module: Any

    @property
    def targets(self) -> tuple[str, ...]:
        """The compute capabilities that it can build for without such a GPU, as "sm86"."""
        names = vars(getattr(self.module, "ComputeCapability", object))
        found = [n for n in names if n.startswith("SM") and n[2:].isdigit()]
        return tuple(n.lower() for n in sorted(found, key=lambda n: int(n[2:])))


def installed() -> tuple[str, ...]:
    """The names of the flavours that Python would find, without importing any."""
    return tuple(name for name in NAMES if _there(name))


def _there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def load_flavour(name: str = "auto") -> Flavour:
    """Import a TensorRT; ``auto`` is the first of ``NAMES`` that is installed.

    Raises MissingDependency when it is not installed, or cannot be loaded.
    """
    candidates = installed() if name == "auto" else (name,)
    if not candidates:
        raise MissingDependency(
            "no TensorRT on this machine: neither tensorrt nor tensorrt_rtx is installed; on a "
            "Jetson it comes with JetPack (python3-libnvinfer), on a PC: "
            "pip install tensorrt-rtx tensorrt_rtx_cu13"
        )
    if name != "auto" and not _there(name):
        raise MissingDependency(
            f"{name} is not installed; found: {', '.join(installed()) or 'no TensorRT at all'}"
        )
    try:
        module = importlib.import_module(candidates[0])
    except (ImportError, OSError, RuntimeError) as error:
        detail = " ".join(str(error).split())
        raise MissingDependency(
            f"{candidates[0]} is installed, but cannot be loaded: {detail}; reinstall it"
        ) from error
    return Flavour(candidates[0], str(module.__version__), module)


def platform() -> str:
    """The operating system and processor that a plan belongs to, as "linux-x86_64"."""
    return f"{machine.system()}-{machine.machine()}".lower()


def this_gpu() -> str | None:
    """The compute capability of the first GPU, as "sm86"; None where there is none.

    Asks the driver itself, and makes no context.
    """
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        failed = (
            cuda.cuInit(0)
            or cuda.cuDeviceGet(ctypes.byref(device), 0)
            or cuda.cuDeviceGetAttribute(ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, device)
            or cuda.cuDeviceGetAttribute(ctypes.byref(minor), _COMPUTE_CAPABILITY_MINOR, device)
        )
    except (OSError, AttributeError):
        return None
    return None if failed else f"sm{major.value}{minor.value}"


def choose_target(flavour: Flavour, wanted: str) -> str:
    """The compute capability to build for: the one wanted, or, with "", this machine's GPU's.

    Raises BuildError when this flavour cannot build for it here.
    """
    here = this_gpu()
    if flavour.targets:
        target = wanted or here
        if target is None:
            raise BuildError(
                "no GPU on this machine; name the one that the plan is for: --for sm86 "
                f"({flavour.name} {flavour.version} knows {', '.join(flavour.targets)})"
            )
        if target not in flavour.targets:
            raise BuildError(
                f"{flavour.name} {flavour.version} cannot build for {target}; it knows "
                f"{', '.join(flavour.targets)}"
            )
        return target
    if here is None:
        raise BuildError(
            f"{flavour.name} builds for the GPU of its own machine, and there is none here; build "
            "on the device that will run it, or with tensorrt_rtx (--flavour tensorrt_rtx)"
        )
    if wanted and wanted != here:
        raise BuildError(
            f"{flavour.name} builds only for the GPU of its own machine, which is {here}, not "
            f"{wanted}; build on a device with {wanted}"
        )
    return here
