"""Where a running appliance can be spoken to: one socket for each, named after its process.

Under systemd that is the unit's runtime directory, else the user's own, else a folder in /tmp that
belongs to the user alone. Who may open the socket may ask; others have no access.
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
    """Where to look for running appliances: this user's, and the service."""
    return list(dict.fromkeys((runtime(env), SERVICE)))


def prepare(folder: Path) -> None:
    """Make the folder, or see that nobody else can put sockets there.

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
    """Whether a socket is this user's, root's or the service's, and not somebody else's."""
    try:
        owner, folder = path.lstat().st_uid, path.parent.lstat()
    except OSError:
        return False
    # Root may speak to the service, whoever runs it; the folder is systemd's.
    return owner in (os.geteuid(), 0) or (path.parent == SERVICE and owner == folder.st_uid)
