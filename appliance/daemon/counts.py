"""What the appliance has counted since its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Running totals at one moment.

    Attributes:
        frames_in: frames from the source. frames_out: composites that went out.
        dropped: frames lost anywhere on the way.
        busy_ns: time that the pipeline spent on its frames. clients: current readers.
        trouble: why the placeholder is out; None while composites are.
        shed: what is skipped to keep up, and why; empty when nothing is.
        progress: what part of a file that is played once is done, 0 to 1; None without an end.
        left_out: where and why frames were dropped, in words; empty when none was.
    """

    frames_in: int
    frames_out: int
    dropped: int
    busy_ns: int
    clients: int
    trouble: str | None
    shed: str = ""
    left_out: str = ""
    progress: float | None = None


def left_out(dropped: Mapping[str, int]) -> str:
    """Where and why frames were left out, from their number by place (``Daemon.drops``)."""
    words = {
        "pipeline": "passed over for newer ones: normal where the source is faster",
        "canvas": "for lack of memory: the outputs hold every picture",
    }
    return "; ".join(
        f"{count:,} {words.get(place, f'at {place}, which was behind or not open')}"
        for place, count in dropped.items()
        if count > 0
    )
