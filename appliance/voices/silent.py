"""No voice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from appliance.errors import VoiceError
from appliance.voices.base import Speech


class NoVoice:
    """Speaks no text, and says so."""

    name = "none"
    language = ""

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """Raises VoiceError."""
        raise VoiceError(
            "voice.name is none, so only recordings can be spoken; set it to auto for texts"
        )

    def close(self) -> None:
        """Nothing to do."""
