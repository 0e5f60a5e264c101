"""Notices that the configuration file was saved, however it was."""

from __future__ import annotations

from pathlib import Path

from appliance.system.file_identity import Identity, identity


class ConfigWatch:
    """Looks at one file; ``changed`` is true once for each state that lasted from look to look.

    Looking beats being told: a rename over the file, a bind mount, a link that points elsewhere
    and an editor that writes in pieces all end as another identity of the same path, and of quick
    edits only the last one stays long enough to be seen twice.
    """

    def __init__(self, path: Path, read: Identity | None) -> None:
        """``read``: which state of ``path`` is in use; None when it is not known."""
        self._path = path
        self._applied = self._seen = read
        self._expected: Identity | None = None

    def changed(self) -> bool:
        """Whether the file is another one than at the last time this was true, and at rest."""
        now = identity(self._path)
        settled = now == self._seen
        self._seen = now
        if now is not None and now == self._expected:
            self._applied = now
        if now is None or now == self._applied or not settled:
            return False
        self._applied = now
        return True

    def note(self) -> None:
        """The file is about to be read as it is: only a later state is another one.

        Asked before the reading, so that what is saved meanwhile is seen as a change.
        """
        now = identity(self._path)
        if now is not None:
            self._applied = self._seen = now

    def expect(self, state: Identity) -> None:
        """The file is going to be in this state, which is in use already: that is no change.

        To be called before it is put there.
        """
        self._expected = state
