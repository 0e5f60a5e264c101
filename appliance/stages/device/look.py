"""One of a network's inputs on the GPU, and the two that a pipeline chooses between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.media.frame import Rect
from appliance.networks.base import DeviceRunner
from appliance.networks.ends import NetworkEnds
from appliance.pixels.gpu.planes import Tensor


@dataclass(slots=True)
class DeviceInput:
    """Where a crop goes: a network's input in device memory.

    Attributes:
        inner: the parts of it that were filled last; none yet: the rest is not black.
    """

    tensor: Tensor
    inner: tuple[Rect, ...] = ()

    def turn_to(self, *inner: Rect) -> bool:
        """Note what is filled next; returns whether all must be made black before."""
        changed = inner != self.inner
        self.inner = inner
        return changed


@dataclass(slots=True)
class DeviceLook:
    """What runs a network, its ends, and its input; ``stages.network.cpu.Look``'s twin."""

    runner: DeviceRunner
    ends: NetworkEnds
    input: DeviceInput

    @property
    def aspect(self) -> float:
        """The input's width over height."""
        return self.ends.spec.width / self.ends.spec.height

    def run(self, launch: Callable[[], None]) -> None:
        """From crop to alpha; ``launch`` is the runner's, or its ``launch_aside``."""
        self.ends.feed()
        launch()
        self.ends.alpha()


@dataclass(slots=True)
class DeviceLooks:
    """A network's usual input and, where it has one, the upright one."""

    usual: DeviceLook
    upright: DeviceLook | None = None

    def through(self, *, upright: bool) -> DeviceLook:
        """The look through the upright input, if wanted and there, else the usual one."""
        return self.upright if upright and self.upright is not None else self.usual

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a memory that holds the grids of both, one at a time.

        The same two sides the other way round take no more of it.
        """
        usual = self.usual.ends.spec
        rows, columns = usual.height, usual.width
        upright = self.upright.ends.spec if self.upright else usual
        if (upright.width, upright.height) == (rows, columns):
            return rows, columns
        return max(rows, upright.height), max(columns, upright.width)

    def close(self) -> None:
        """Release both networks."""
        self.usual.runner.close()
        if self.upright is not None:
            self.upright.runner.close()
