"""Notices that the configuration file was saved, and carries a good one over to the daemon."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from appliance.errors import MatteboxError
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.daemon import Daemon

Identity = tuple[int, int, int, int]

log = structlog.get_logger(__name__)


def identity(path: Path) -> Identity | None:
    """What tells one state of a file from another; None while it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class ConfigWatch:
    """Looks at one file; ``changed`` is true once for each state that lasted from look to look.

    Looking beats being told: a rename over the file, a bind mount, a link that points elsewhere
    and an editor that writes in pieces all end as another identity of the same path, and of quick
    edits only the last one stays long enough to be seen twice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._applied = self._seen = identity(path)

    def changed(self) -> bool:
        """Whether the file is another one than at the last time this was true, and at rest."""
        now = identity(self._path)
        settled = now == self._seen
        self._seen = now
        if now is None or now == self._applied or not settled:
            return False
        self._applied = now
        return True


class Reloader:
    """Keeps a daemon's settings the file's; a bad file changes nothing and is said aloud.

    Attributes:
        error: what is wrong with the file as it is now; None while the settings are the file's.
        reloads: changes applied. refused: files that were not.
    """

    def __init__(self, daemon: Daemon, load: Callable[[], Settings], path: Path | None) -> None:
        """``load`` reads file, environment and flags again; ``path``, if any, is watched."""
        self._daemon = daemon
        self._load = load
        self._watch = ConfigWatch(path) if path is not None else None
        self.error: str | None = None
        self.reloads = 0
        self.refused = 0

    def look(self, *, asked: bool = False) -> None:
        """Apply the file if it has changed, or if somebody asked for it."""
        if not asked and (self._watch is None or not self._watch.changed()):
            return
        try:
            changed = self._daemon.apply(self._load())
        except MatteboxError as error:
            self.refused += 1
            self.error = str(error)
            log.error("not reloaded: the last good configuration stays", reason=self.error)
            return
        self.error = None
        self.reloads += 1
        if not changed:
            log.info("reloaded: nothing has changed")
