"""Where networks are looked for by name: those that are shipped, and those that users add."""

from __future__ import annotations

import os
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "engines"


def data_folder() -> Path:
    """Where ``mattebox model add`` puts networks; it need not be there.

    Under systemd the service's own StateDirectory=, else the user's data folder.
    """
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if os.path.isabs(state):
        return Path(state, "engines")
    base = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(base):
        return Path(base, "mattebox", "engines")
    home = os.environ.get("HOME", "")
    if os.path.isabs(home):
        return Path(home, ".local", "share", "mattebox", "engines")
    return Path("/var/lib/mattebox/engines")


def model_folders() -> tuple[Path, ...]:
    """Where networks are looked for by name, in this order: a shipped one wins."""
    return (SHIPPED, data_folder())
