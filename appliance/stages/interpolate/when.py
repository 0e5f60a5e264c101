"""Which time a made frame is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["between", "ahead"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time near two frames.

    Attributes:
        pts: nanoseconds. at: the same, where 0 is the earlier frame and 1 the later one.
    """

    pts: int
    at: float


def moment_of(mode: Mode, last: int, now: int) -> Moment:
    """The time half way between two frames (``between``), or half a step after both (``ahead``)."""
    half = (now - last) // 2
    return Moment(last + half, 0.5) if mode == "between" else Moment(now + half, 1.5)
