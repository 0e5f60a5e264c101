"""When a sound card's samples were taken, by the appliance's clock: its own is a little off."""

from __future__ import annotations

from appliance.media.arrivals import Arrivals
from appliance.media.audio import time_of


class SampleClock:
    """Maps numbers of samples to the appliance's clock by when blocks of them arrive.

    A block cannot arrive before its last sample was taken, so the earliest arrivals say where the
    card's clock stands (``media.arrivals``). A constant delay within the card remains.
    """

    def __init__(self) -> None:
        self._arrivals = Arrivals()
        self._count = 0

    def restart(self) -> None:
        """Samples were lost: what was learnt holds no more."""
        self._arrivals.restart()

    def enter(self, count: int, arrived: int) -> int:
        """When the first sample of a block was taken, nanoseconds.

        ``count``: samples in the block. ``arrived``: ``time.monotonic_ns()`` when it came.
        """
        first, self._count = time_of(self._count), self._count + count
        last = time_of(self._count)
        return self._arrivals.map(last, last - first, arrived) - (last - first)
