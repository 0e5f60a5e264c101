"""Backgrounds of sessions: two that show the same picture hold it once."""

from __future__ import annotations

import threading

from appliance.background.base import Background
from appliance.background.kept import KeptStills
from appliance.config.settings import BackgroundSettings
from appliance.media.frame import Format


class SharedStills:
    """``KeptStills`` for any thread."""

    def __init__(self) -> None:
        self._stills = KeptStills()
        self._lock = threading.Lock()

    def make(self, settings: BackgroundSettings, format: Format) -> Background:
        """See ``KeptStills.make``. Raises InputError."""
        with self._lock:
            return self._stills.make(settings, format)
