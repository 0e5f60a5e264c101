"""The keyer has no kernels yet: on the GPU it says so, and the network works alone."""

from __future__ import annotations

from appliance.errors import MatteboxError
from appliance.stages.device.work import DeviceCommon, DeviceWork


class NoKernels(MatteboxError, NotImplementedError):
    """A stage that only the CPU has was switched on with frames on the GPU."""


class KeyerSteps:
    """Refuses; the guard then tells why in the status."""

    def __init__(self, common: DeviceCommon) -> None:
        del common

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def key(self, work: DeviceWork) -> None:
        """Raises NoKernels."""
        raise NoKernels(
            "the chroma keyer runs on the processor, and this machine's frames are on the GPU: "
            "matting.runtime: onnxruntime has all of it on the processor"
        )
