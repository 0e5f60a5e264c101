"""What the voices of hibari-tts share: its reading of texts, its network, its synthesis."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from appliance.errors import MissingDependency, VoiceError
from appliance.voices.hibari_graph import HibariGraph

INSTALL = "pip install 'mattebox[voices]'"


class HibariEngine:
    """The package, loaded once for all voices: 160 MB, and as much again while it works."""

    def __init__(self) -> None:
        """Load them. Raises MissingDependency, VoiceError."""
        try:
            import hibari
            from hibari.dsp import synth
            from hibari.g2p.normalize import normalize
        except ImportError as error:
            raise MissingDependency(
                f"the voice hibari is not installed ({error}): {INSTALL} "
                "(or: pip install hibari-tts)"
            ) from error
        self.synth, self.normalize = synth, normalize
        try:
            package = hibari.Hibari()
            self.rate = int(package.sample_rate)
            self.ids: dict[str, int] = dict(package.vocab)
            self.g2p: Any = package.g2p
            model = Path(package.model_path)
        except Exception as error:  # a package of another version, or damaged
            raise VoiceError(
                f"hibari-tts {getattr(hibari, '__version__', '?')} cannot be loaded: {error!r}; "
                "install the version that Mattebox was made for: "
                "pip install --force-reinstall 'mattebox[voices]'"
            ) from error
        self.graph = HibariGraph(model)
        # Its reading of texts is nothing that two threads may do at once; it takes milliseconds.
        self.reading = threading.Lock()


_engines: WeakValueDictionary[str, HibariEngine] = WeakValueDictionary()
_loading = threading.Lock()


def shared_engine() -> tuple[HibariEngine, bool]:
    """The one that there is, or a new one; whether it is new. Raises as that does."""
    with _loading:
        there = _engines.get("heart")
        if there is not None:
            return there, False
        made = _engines["heart"] = HibariEngine()
        return made, True
