"""Where things are kept: beside the code, in the user's folders, or where systemd says.

Runs at ``import appliance`` and therefore imports nothing but the standard library.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of ``appliance``."""


def root() -> Path:
    """The folder that ``appliance`` is imported from: a checkout, or site-packages."""
    return PACKAGE.parent


def checkout() -> Path | None:
    """The working copy of the repository that the code runs from; None when it is installed."""
    return root() if (root() / "pyproject.toml").is_file() else None


def caches(purpose: str) -> Iterator[Path]:
    """Folders for what can be made again at any time, best first; none need be there.

    In a checkout its own ``.cache``; then the user's, where there is one.
    """
    own = checkout()
    if own is not None:
        yield own / ".cache" / purpose
    user = _absolute("XDG_CACHE_HOME")
    home = _absolute("HOME")
    if user is not None:
        yield user / "mattebox" / purpose
    elif home is not None:
        yield home / ".cache" / "mattebox" / purpose


def state() -> Path:
    """Where this program keeps what must last: the service's StateDirectory=, else the user's data.

    It need not be there.
    """
    # systemd may name several, with colons between them.
    service = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if os.path.isabs(service):
        return Path(service)
    user = _absolute("XDG_DATA_HOME")
    if user is not None:
        return user / "mattebox"
    home = _absolute("HOME")
    if home is not None:
        return home / ".local" / "share" / "mattebox"
    return Path("/var/lib/mattebox")


def runtime(env: Mapping[str, str] | None = None) -> Path:
    """Where a socket of this process's lies while it runs; the folder may have to be made.

    Under systemd that is the unit's runtime directory, else the user's own, else a folder in /tmp.
    """
    env = os.environ if env is None else env
    if given := env.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        return Path(given)
    if user := env.get("XDG_RUNTIME_DIR"):
        return Path(user) / "mattebox"
    return Path(tempfile.gettempdir()) / f"mattebox-{os.geteuid()}"


def _absolute(variable: str) -> Path | None:
    """A variable's path; the XDG specification has relative ones ignored."""
    value = os.environ.get(variable, "")
    return Path(value) if os.path.isabs(value) else None
