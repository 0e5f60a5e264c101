"""Reads files that others wrote: regular ones only, and no more of them than was expected."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO"}


class NotSmall(OSError):
    """Not a regular file, or a larger one than expected; ``strerror`` says which."""


def read_small(path: Path, most: int) -> bytes:
    """The content of a file of at most ``most`` bytes; never blocks.

    Raises NotSmall, an OSError, for anything else, and OSError or ValueError when it cannot be
    read.
    """
    # Non-blocking: opening a FIFO that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), "a device")
            raise NotSmall(errno.EINVAL, f"is {kind}", str(path))
        data = bytearray()
        while len(data) <= most and (piece := os.read(descriptor, most + 1 - len(data))):
            data += piece
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise NotSmall(errno.EFBIG, f"is larger than {_bytes(most)}", str(path))
    return bytes(data)


def _bytes(count: int) -> str:
    return f"{count // 10**6} MB" if count >= 10**6 else f"{count // 1000} kB"
