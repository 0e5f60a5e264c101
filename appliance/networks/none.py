"""What stands where a network would, for sources that bring their own mattes: it never runs."""

from __future__ import annotations

import numpy as np

from appliance.errors import MattingError
from appliance.media.frame import F32
from appliance.networks.base import Matting
from appliance.networks.manifest import InputSpec, Manifest, OutputSpec

_WIDTH, _HEIGHT = 32, 18  # nothing is made of it but its shape, 16:9, and a few kilobytes


class NoNetwork:
    """A ``Matting`` for pipelines whose every frame brings its matte (``Frame.alpha``).

    Costs nothing to make, and no model is read. A frame without a matte of its own is refused, so
    that the placeholder is shown.
    """

    smaller: Matting | None = None
    upright: Matting | None = None

    def __init__(self) -> None:
        self.manifest = Manifest(
            name="none", title="no network",
            input=InputSpec(name="image", width=_WIDTH, height=_HEIGHT),
            output=OutputSpec(name="alpha"),
        )  # fmt: skip
        self.description = "no network: the source brings its own matte"
        self._input: F32 = np.zeros((3, _HEIGHT, _WIDTH), np.float32)

    @property
    def input(self) -> F32:
        """Never looked at."""
        return self._input

    def infer(self, *, remember: bool = True) -> F32:
        """Raises MattingError, always."""
        raise MattingError(
            "a frame came without a matte, and no network is loaded, as this source brings its own"
        )

    def reset(self) -> None:
        """Nothing is remembered."""
