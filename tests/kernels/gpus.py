"""Networks on the emulated GPU: TensorRT's stand-in over the stand-in driver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.engine.flavour import Flavour
from appliance.matting.device_network import DeviceNetwork
from appliance.matting.manifest import load_manifest
from appliance.matting.on_gpu import OnGpu
from appliance.pixels.cuda_context import Context
from tests.engine import fake_tensorrt
from tests.kernels import driver
from tests.kernels.emulated import compiler

FAKE = Flavour("tensorrt", "10.3.0", fake_tensorrt.module())
SIDECAR = SimpleNamespace(flavour="tensorrt", version="10.3.0", precision="fp16", target="sm87")


def emulated(path: Path, made: Callable[[Any], Any] = lambda network: network) -> OnGpu:
    """The network of a manifest on the emulated GPU; ``made`` may put something around it."""
    if compiler() is None:
        pytest.skip("no C++ compiler (g++): the kernels cannot be emulated here")
    manifest, model = load_manifest(path)
    plan: Any = SimpleNamespace(data=model.read_bytes(), path=model, sidecar=SIDECAR)

    def load(context: Context) -> Any:
        return made(DeviceNetwork(manifest, plan, FAKE, context))

    library = driver.Library()
    return OnGpu(
        manifest, "an emulation", load,
        lambda: Context(driver=driver, image=lambda architecture: b"", library=library),
    )  # fmt: skip


def fresh() -> driver.Log:
    """The log of the stand-in driver, from here on."""
    driver.log = driver.Log()
    return driver.log
