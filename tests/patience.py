"""What was promised in seconds, asked of a machine that has other things to do as well."""

from __future__ import annotations

import os


def promised(seconds: float) -> float:
    """``seconds``, or more where processes stand in line for the processors.

    "Ends within 5 s" is promised of a machine that can keep up. Where twice as many want to run as
    there are processors, everything takes twice as long, and says nothing about what is tested.
    """
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
