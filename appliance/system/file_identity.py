"""What tells one state of a file from another, without reading it."""

from __future__ import annotations

import os

Identity = tuple[int, int, int, int]
"""Device, inode, size, time of the last change."""


def identity(path: str | os.PathLike[str]) -> Identity | None:
    """Which state the file is in now; None while it is not there.

    A save in place, a rename over it, a bind mount and a link that points elsewhere all change it.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # a name with a NUL in it is no file either
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
