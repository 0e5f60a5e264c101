"""The folder of recordings: what is in it, room for more, tickets to fetch one."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import time
from pathlib import Path

from appliance.errors import OutputError
from appliance.http.control_schemas import RecordingEntry

SUFFIXES = (".mp4", ".mkv")
LEAST_FREE_MB = 200
MOST_ENTRIES = 500
TICKET_S = 60.0
_MOST_TICKETS = 64


class Recordings:
    """The folder at ``path``, which need not exist, with what is known of the last recording."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began = 0.0
        self.last: str | None = None
        """The name of the last one that was begun."""
        self._tickets: dict[str, tuple[str, float]] = {}

    def make(self) -> None:
        """Create the folder. Raises OutputError when that cannot be, or its disk is full."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o750)
        except OSError as error:
            raise OutputError(
                f"{self.path} cannot be created ({error.strerror}); make it, writable for this "
                "user, or name another in http.recordings"
            ) from error
        free = self.free()
        if free is not None and free < LEAST_FREE_MB << 20:
            raise OutputError(
                f"the disk of {self.path} is full ({free >> 20} MB are left); at least "
                f"{LEAST_FREE_MB} MB are wanted for a recording: delete or move something"
            )

    def free(self) -> int | None:
        """Bytes left on its disk; None when that is not known."""
        try:
            return shutil.disk_usage(self.path).free
        except OSError:
            return None

    def entries(self) -> list[RecordingEntry]:
        """Its recordings, newest first, at most 500; links are left out. Raises OutputError."""
        found = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    wanted = Path(entry.name).suffix.lower() in SUFFIXES
                    if wanted and stat.S_ISREG(status.st_mode) and entry.name.isprintable():
                        found.append(
                            RecordingEntry(
                                name=entry.name, bytes=status.st_size, changed=status.st_mtime
                            )
                        )
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OutputError(f"{self.path} cannot be read ({error.strerror})") from error
        return sorted(found, key=lambda entry: -entry.changed)[:MOST_ENTRIES]

    def find(self, name: str) -> Path | None:
        """The recording called exactly ``name``: looked up, never made into a path."""
        return next((self.path / e.name for e in self.entries() if e.name == name), None)

    def ticket(self, name: str) -> str:
        """A word that lets whoever has it fetch ``name`` once, within a minute."""
        now = time.monotonic()
        self._tickets = {w: t for w, t in self._tickets.items() if t[1] > now}
        while len(self._tickets) >= _MOST_TICKETS:
            self._tickets.pop(next(iter(self._tickets)))
        word = secrets.token_urlsafe(24)
        self._tickets[word] = (name, now + TICKET_S)
        return word

    def take(self, word: str) -> str | None:
        """The name that a ticket is for; it is used up. None if it is not good any more."""
        name, until = self._tickets.pop(word, ("", 0.0))
        return name if until > time.monotonic() else None
