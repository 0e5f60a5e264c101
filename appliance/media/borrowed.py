"""Memory on loan from a library: what a Frame's ``owner`` says about it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from appliance.media.surface import Surface


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Owner of a frame whose memory will be overwritten, even while somebody still reads it.

    A frame still in use by then is no longer one picture: its matte would be from one moment and
    its pixels from another, and the room would show where the person was. Whoever composites
    calls ``over`` when done and, if it is true, throws the composite away.

    Attributes:
        until: when overwriting may begin, ``time.monotonic_ns()``.
        surface: the same picture for the GPU to read in place, in memory shared by CPU and GPU;
            None where only the CPU can read it.
        keeps: keeps the memory allocated.
    """

    until: int
    surface: Surface | None = None
    keeps: object = None

    def over(self) -> bool:
        """Whether the memory may have been overwritten by now."""
        return time.monotonic_ns() >= self.until
