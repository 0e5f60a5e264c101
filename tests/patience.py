"""Time promises, adjusted for a machine that is busy with other things as well."""

from __future__ import annotations

import os


def promised(seconds: float) -> float:
    """``seconds``, or more when processes are queueing for the processors.

    "Ends within 5 s" is promised for a machine that can keep up. When twice as many want to run as
    there are processors, everything takes twice as long, which says nothing about the code.
    """
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
