"""What the appliance has counted since its start."""

from __future__ import annotations

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
    """

    frames_in: int
    frames_out: int
    dropped: int
    busy_ns: int
    clients: int
    trouble: str | None
    shed: str = ""
