"""Limits on this process's memory (``ulimit -v``, systemd's LimitAS=), and what to say of them.

At such a limit libraries fail in their own words: a plug-in that cannot be mapped is "missing", a
thread that cannot start is a traceback, a C++ exception an abort.
"""

from __future__ import annotations

import resource
from pathlib import Path

from appliance.errors import ConfigError

# A run on the CPU with a 720p clip: fails at 1.2 GB, works with 1.5 (2026-11-28).
LEAST_BYTES = 1_400_000_000
# The largest library that is loaded late, FFmpeg with all that it needs, takes about so much.
_MARGIN_BYTES = 256 << 20
_RAISE = "raise the limit (ulimit -v unlimited, or LimitAS= in the unit)"


def limit() -> int | None:
    """The most address space that the process may take, bytes; None without a limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def require() -> None:
    """Raise ConfigError if the limit is too low for anything to work."""
    most = limit()
    if most is not None and most < LEAST_BYTES:
        raise ConfigError(
            f"memory: this process may take {most / 1e9:.2f} GB of address space; expected at "
            f"least {LEAST_BYTES / 1e9:.1f} GB: {_RAISE}"
        )


def spent() -> str | None:
    """That the limit is nearly reached, in words, and what to do; None if it is not."""
    most = limit()
    if most is None:
        return None
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    taken = pages * resource.getpagesize()
    if taken + _MARGIN_BYTES < most:
        return None
    return (
        f"out of memory: {taken / 1e9:.2f} of the {most / 1e9:.2f} GB that this process may take "
        f"are taken: {_RAISE}"
    )
