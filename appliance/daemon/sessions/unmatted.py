"""What stands in a session's pipeline in place of a network: frames must bring their matte."""

from __future__ import annotations

import numpy as np

from appliance.errors import MattingError
from appliance.media.frame import F32
from appliance.networks.base import Matting
from appliance.networks.manifest import InputSpec, Manifest, OutputSpec

_MANIFEST = Manifest(
    name="none",
    title="no network: frames bring their matte",
    input=InputSpec(name="image", width=16, height=16),
    output=OutputSpec(name="alpha"),
)


class RefusesMatting:
    """A network that refuses every frame."""

    manifest = _MANIFEST
    description = "no network"
    smaller: Matting | None = None
    upright: Matting | None = None

    def __init__(self) -> None:
        self._input: F32 = np.zeros((3, 16, 16), np.float32)

    @property
    def input(self) -> F32:
        """See ``Matting.input``."""
        return self._input

    def infer(self, *, remember: bool = True) -> F32:
        """Raises MattingError."""
        raise MattingError(
            "a frame came without its matte, and a session has no network to find one"
        )

    def reset(self) -> None:
        """Nothing is remembered."""
