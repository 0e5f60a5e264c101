"""Notices that the configuration file was saved, by whatever means."""

from __future__ import annotations

from pathlib import Path

from appliance.system.file_identity import Identity, identity


class ConfigWatch:
    """Polls one file; ``changed`` is true once for each state seen in two polls in a row.

    Polling beats notification: a rename over the file, a bind mount, a link pointed elsewhere and
    an editor that writes in pieces all end in another identity of the same path, and of several
    quick edits only the last one stays long enough to be seen twice.
    """

    def __init__(self, path: Path, read: Identity | None) -> None:
        """``read``: the state of ``path`` that is in use; None when it is not known."""
        self._path = path
        self._applied = self._seen = read
        self._expected: Identity | None = None
        self.gone = False
        """Whether, as ``changed`` last saw it, the file is not there, and not just for a moment."""

    def changed(self) -> bool:
        """Whether the file differs from when this was last true, and has settled."""
        now = identity(self._path)
        settled = now == self._seen
        self._seen = now
        self.gone = now is None and settled
        if self.gone:
            # Whatever comes back is a change, also the very file that was moved away: what is said
            # of a missing file has to be taken back.
            self._applied = None
        if now is not None and now == self._expected:
            self._applied = now
        if now is None or now == self._applied or not settled:
            return False
        self._applied = now
        return True

    def note(self) -> None:
        """Note that the file is about to be read as it is: only a later state is a change.

        Call before reading, so that a save in the meantime is seen as a change.
        """
        now = identity(self._path)
        if now is not None:
            self._applied = self._seen = now

    def expect(self, state: Identity) -> None:
        """Expect the file to reach this state, which is in use already: that is no change.

        Call before the file is put in place.
        """
        self._expected = state
