"""Where to reach a running appliance: one socket each, named after its process.

The folder is the unit's runtime directory under systemd, else the user's own, else a folder in /tmp
that belongs to the user alone. Whoever may open the socket may ask; others have no access.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from appliance.system.folders import runtime

SERVICE = Path("/run/mattebox")
SUFFIX = ".sock"


def folders(env: Mapping[str, str] | None = None) -> list[Path]:
    """The folders to search for running appliances: this user's, and the service's."""
    return list(dict.fromkeys((runtime(env), SERVICE)))


def prepare(folder: Path) -> None:
    """Create the folder, or check that nobody else can put sockets there.

    Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    mine = status.st_uid in (os.geteuid(), 0)
    if not stat.S_ISDIR(status.st_mode) or not mine or status.st_mode & 0o022:
        raise PermissionError(
            f"{folder} could be written to by others; expected a folder of this user's own: "
            "remove it, or set XDG_RUNTIME_DIR"
        )


def trusted(path: Path) -> bool:
    """Whether a socket belongs to this user, root or the service, and to nobody else."""
    try:
        owner, folder = path.lstat().st_uid, path.parent.lstat()
    except OSError:
        return False
    # The service may run as any user: its folder is systemd's, so its owner is trusted.
    return owner in (os.geteuid(), 0) or (path.parent == SERVICE and owner == folder.st_uid)
