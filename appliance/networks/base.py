"""What a matting network is to the pipeline."""

from __future__ import annotations

from typing import Protocol

from appliance.media.frame import F32
from appliance.networks.manifest import Manifest


class Matting(Protocol):
    """One network, ready to run. Used from one thread only."""

    manifest: Manifest
    description: str
    """What runs it, in words, for the status line and the log."""

    smaller: Matting | None
    """The same with a smaller input, for a machine that cannot keep up; None where there is none.

    It must not have a smaller one itself.
    """

    @property
    def input(self) -> F32:
        """The input tensor, float32 (3, height, width), to be filled before ``infer``."""
        ...

    def infer(self, *, remember: bool = True) -> F32:
        """Run the network on ``input``.

        Returns alpha, float32 (height, width), as the network gave it: the caller checks it.
        ``remember=False`` is a look aside, at another part of the frame: the network is shown a
        zeroed recurrent state, and its own is left as it was.
        Raises MattingError when the network throws.
        """
        ...

    def reset(self) -> None:
        """Zero the recurrent state: after a cut, a change of geometry, a failure."""
        ...
