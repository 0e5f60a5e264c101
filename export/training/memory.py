"""Keep freed memory: saves a third of a training step on the CPU."""

from __future__ import annotations

import ctypes
import sys

# From glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed blocks instead of handing them back to the kernel.

    Every activation in a step is a fresh block of megabytes; by default glibc maps and unmaps
    each, and the kernel zeroes the pages every time. Returns whether the C library complied.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library, such as musl
        return False
    largest = 2**31 - 1
    asked = ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, largest), (_M_TOP_PAD, 1 << 28))
    taken = [mallopt(option, value) == 1 for option, value in asked]
    return all(taken)
