"""What the pipeline expects of a matting network."""

from __future__ import annotations

from typing import Protocol

from appliance.cuda.context import Buffer
from appliance.media.frame import F32
from appliance.networks.manifest import Manifest


class Matting(Protocol):
    """One network, ready to run. Used from one thread only."""

    manifest: Manifest
    description: str
    """What runs it, in words, for the status line and the log."""

    smaller: Matting | None
    """The same network with a smaller input, for a machine that cannot keep up; None without one.

    Its own ``smaller`` must be None.
    """

    upright: Matting | None
    """The same network with an upright input, for upright parts of the frame; None without one.

    Its own ``smaller`` and ``upright`` must be None.
    """

    @property
    def input(self) -> F32:
        """The input tensor, float32 (3, height, width), to be filled before ``infer``."""
        ...

    def infer(self, *, remember: bool = True) -> F32:
        """Run the network on ``input``.

        Returns alpha, float32 (height, width), as the network gave it: the caller checks it.
        ``remember=False`` is for a side pass over another part of the frame: the network runs from
        a zeroed recurrent state, and its own is left untouched.
        Raises MattingError when the network throws.
        """
        ...

    def reset(self) -> None:
        """Zero the recurrent state: after a cut, a change of geometry, a failure."""
        ...


class DeviceRunner(Protocol):
    """What runs a network over device memory. Used from the thread that owns the GPU.

    Attributes:
        manifest: the network's. description: what runs it, in words, for the log.
        input: FP32 in the manifest's layout. output: the raw output, FP32, of ``output_shape``.
        phase: while it is unchanged, ``launch`` does exactly the same again.
        recordable: whether ``launch`` may be recorded into a CUDA graph.
    """

    manifest: Manifest
    description: str
    input: Buffer
    output: Buffer
    output_shape: tuple[int, ...]
    recordable: bool

    @property
    def phase(self) -> int:
        """See above."""
        ...

    def launch(self) -> None:
        """Run on ``input``, into ``output``, on the context's stream; returns at once.

        Raises MattingError when the runner refuses, GpuError when CUDA fails.
        """
        ...

    def launch_aside(self) -> None:
        """``launch`` from a zeroed recurrent state; the network's own is left as it is."""
        ...

    def advance(self) -> None:
        """Make the recurrent state that the last ``launch`` produced the next one's input."""
        ...

    def reset(self) -> None:
        """Zero the recurrent state, on the context's stream."""
        ...

    def close(self) -> None:
        """Release everything; the context still belongs to its owner."""
        ...
