"""A workaround for GIFs, whose end FFmpeg's demuxer never finds as wrapped by GStreamer 1.22.

It reads one byte past the end of the file, gets nothing, and retries for ever. One more byte is all
it needs: a second trailer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_TRAILER = b"\x3b"
_MOST_BYTES = 256 << 20


def padded_copy(path: Path) -> BinaryIO | None:
    """A copy in memory with a second trailer, if the file is a GIF of at most 256 MB, else None."""
    with path.open("rb") as file:
        if file.read(6) not in (b"GIF87a", b"GIF89a"):
            return None
        if os.fstat(file.fileno()).st_size > _MOST_BYTES:
            return None
        file.seek(0)
        copy = os.fdopen(os.memfd_create("gif", os.MFD_CLOEXEC), "w+b", buffering=0)
        try:
            while block := file.read(1 << 20):
                copy.write(block)
            copy.write(_TRAILER)
        except BaseException:
            copy.close()
            raise
    return copy
