"""Networks on the emulated GPU: the TensorRT stand-in over the stand-in driver."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from appliance.cuda.context import Context
from appliance.errors import MattingError
from appliance.networks.beside import upright_of
from appliance.networks.manifest import load_manifest
from appliance.networks.on_gpu import OnGpu
from appliance.networks.plans.flavour import Flavour
from appliance.networks.tensorrt_device import DeviceNetwork
from tests.kernels import driver
from tests.kernels.emulated import compiler
from tests.networks import fake_tensorrt

FAKE = Flavour("tensorrt", "10.3.0", fake_tensorrt.module())
SIDECAR = SimpleNamespace(flavour="tensorrt", version="10.3.0", precision="fp16", target="sm87")


def fresh() -> driver.Log:
    """The stand-in driver's log from here on."""
    driver.log = driver.Log()
    return driver.log


class Breakable:
    """A network on the emulated GPU that can be made to fail."""

    recordable = False
    """A network that a graph replays could not be broken."""

    def __init__(self, network: DeviceNetwork) -> None:
        self._network = network
        self.broken: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def launch(self) -> None:
        if self.broken == "throws":
            raise MattingError("it broke")
        self._network.launch()
        self._break()

    def launch_aside(self) -> None:
        if self.broken == "throws":
            raise MattingError("it broke")
        self._network.launch_aside()
        self._break()

    def _break(self) -> None:
        if self.broken is not None:
            pointer = ctypes.cast(self.output.address, ctypes.POINTER(ctypes.c_float))
            alpha = np.ctypeslib.as_array(pointer, self.output_shape)
            alpha[:] = {"nan": np.nan, "inf": np.inf, "ones": 1}[self.broken]


def emulated(
    path: Path, *, made: Callable[[DeviceNetwork], Any] | None = None,
    library: driver.Library | None = None, data: bytes | None = None,
) -> OnGpu:  # fmt: skip
    """A manifest's network on the emulated GPU.

    ``made`` may wrap it; ``library`` replaces libcuda, ``data`` the plan. With the upright one that
    the manifest names.
    """
    if compiler() is None:
        pytest.skip("no C++ compiler (g++): the kernels cannot be emulated here")
    manifest, model = load_manifest(path)
    beside = upright_of(path)
    upright = emulated(beside, made=made, library=library) if beside else None
    data = model.read_bytes() if data is None else data
    plan: Any = SimpleNamespace(data=data, path=model, sidecar=SIDECAR)
    graphs = library or driver.Library()

    def load(context: Context) -> Any:
        network = DeviceNetwork(manifest, plan, FAKE, context)
        return made(network) if made else network

    def make_context() -> Context:
        return Context(driver=driver, image=lambda architecture: b"", library=graphs)

    return OnGpu(manifest, "an emulation", load, make_context, upright)
