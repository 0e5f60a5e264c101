"""Where networks are looked for by name: those that are shipped, and those that users add."""

from __future__ import annotations

from pathlib import Path

from appliance.system import folders

SHIPPED = folders.root() / "engines"


def data_folder() -> Path:
    """Where ``mattebox model add`` puts networks; it need not be there."""
    return folders.state() / "engines"


def model_folders() -> tuple[Path, ...]:
    """Where networks are looked for by name, in this order: a shipped one wins."""
    return (SHIPPED, data_folder())
