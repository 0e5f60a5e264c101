"""Checks a file for a source or background before anything tries to play it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from appliance.errors import InputError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO (named pipe)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def check_file(path: Path, what: str) -> int:
    """The size in bytes of a regular, readable, non-empty file.

    ``what`` is what an error calls its use ("source"). Never blocks, whatever the path names.
    Raises InputError.
    """
    where = f"{what} {str(path)!r}"
    try:
        # Without O_NONBLOCK, opening a FIFO waits for a writer that may never come.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InputError(f"{where}: there is no such file; check the path") from None
    except PermissionError:
        raise InputError(
            f"{where}: this user may not read it; give read permission (chmod a+r on the file, "
            "a+x on its folders)"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: cannot be opened ({error}); expected a file") from error
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "not a file")
        raise InputError(f"{where}: it is {kind}; expected a file")
    if status.st_size == 0:
        raise InputError(f"{where}: the file is empty (0 bytes); expected a picture or a video")
    return status.st_size
