"""What a matting network is to the pipeline."""

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


class DeviceRunner(Protocol):
    """What runs a network over device memory. Used from the thread that owns the GPU.

    Attributes:
        manifest: the network's. description: what runs it, in words, for the log.
        input: FP32 in the manifest's layout. output: the raw output, FP32, of ``output_shape``.
        phase: ``launch`` does the same again while this is the same.
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

        Raises MattingError when the runner will not, GpuError when CUDA fails.
        """
        ...

    def launch_aside(self) -> None:
        """``launch`` with a zeroed recurrent state, the network's own left as it is."""
        ...

    def advance(self) -> None:
        """Let the last ``launch``'s recurrent state be the next one's."""
        ...

    def reset(self) -> None:
        """Zero the recurrent state, on the context's stream."""
        ...

    def close(self) -> None:
        """Let go of everything; the context stays its owner's."""
        ...
