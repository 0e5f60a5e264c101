"""Whether a disk has room for what is to be written."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.errors import OutputError

# With less room nothing is begun: on a full disk each retry would leave another stump.
LEAST_FREE_MB = 16


def see_that_there_is_room(path: Path) -> None:
    """Raises OutputError when the disk that ``path`` is to lie on is all but full."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return  # creating the file will say why
    # Some file systems report no blocks at all, which means nothing. The message holds no free
    # space figure: a different figure at each retry would mean another line in the log each time.
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < LEAST_FREE_MB << 20:
        raise OutputError(
            f"{path}: the disk is full; expected {LEAST_FREE_MB} MB of room or more for a "
            f"recording: delete or move something, see df {path.parent}"
        )
