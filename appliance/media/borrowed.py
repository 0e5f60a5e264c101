"""Memory that a library lends for a while: what a Frame's ``owner`` says of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from appliance.media.surface import Surface


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Owner of a frame whose memory will be written over, whoever still reads it.

    A frame that was worked on for longer is no picture any more: its matte would be of one moment
    and its pixels of another, and the room would show where the person was. Whoever composites
    asks ``over`` when done, and throws the composite away.

    Attributes:
        until: when that may begin, ``time.monotonic_ns()``.
        surface: the same picture for the GPU to read where it lies, in memory that CPU and GPU
            share; None where there is only the CPU's.
        keeps: keeps the memory allocated.
    """

    until: int
    surface: Surface | None = None
    keeps: object = None

    def over(self) -> bool:
        """Whether the memory may have been written over by now."""
        return time.monotonic_ns() >= self.until
