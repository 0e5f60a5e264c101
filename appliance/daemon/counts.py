"""What the appliance has counted since its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Running totals at one moment.

    Attributes:
        frames_in: frames that the source gave. frames_out: composites that went out.
        dropped: frames lost on the way, at any place.
        busy_ns: time that the pipeline spent on its frames. clients: readers now.
        trouble: why the placeholder is out, None while composites are.
        shed: what is left out to make frames in time, and why; empty for nothing.
    """

    frames_in: int
    frames_out: int
    dropped: int
    busy_ns: int
    clients: int
    trouble: str | None
    shed: str = ""
