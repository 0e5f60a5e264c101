"""Where sound comes from now: the source itself, a microphone, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.config.settings import SourceSettings
from appliance.config.uris import source_scheme
from appliance.media.audio_ring import AudioRing
from appliance.sources.base import HasSound
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import address_of
from appliance.sources.microphone import Microphone

State = Literal["live", "opening", "waiting", "none"]


@dataclass(frozen=True, slots=True)
class HearingState:
    """How sound is doing.

    Attributes:
        uri: the microphone's address; "source" for the source's own sound; "none".
        state: live: it comes. opening: a microphone is being opened. waiting: it failed and will
            soon be tried again. none: there is none to come.
        reason: why, in words; empty while all is well.
        reopened: times that the microphone was opened again.
    """

    uri: str
    state: State
    reason: str = ""
    reopened: int = 0


class Hearing:
    """Gives the ring to the source or to a microphone, as the settings say."""

    def __init__(self, ring: AudioRing) -> None:
        self._ring = ring
        self._wanted: str | None = None
        self._feeder: SourceFeeder | None = None
        self.microphone: Microphone | None = None

    def use(self, settings: SourceSettings, feeder: SourceFeeder) -> Callable[[], object] | None:
        """Take sound from where the settings say; returns what ends the microphone used so far.

        A microphone that stays the same goes on without a gap.
        """
        self._feeder = feeder
        found = microphone(settings)
        wanted = None if found is None else found[0]
        if wanted is not None and wanted == self._wanted:
            return None
        old, self._wanted, self.microphone = self.microphone, wanted, None
        if found is None:
            self._ring.use(feeder if settings.sound == "auto" else None)
        else:
            self.microphone = Microphone(found[1], settings, self._ring)
            self._ring.use(self.microphone)
            self.microphone.start()
        return None if old is None else old.stop

    @property
    def state(self) -> HearingState:
        """How it is doing now."""
        microphone, feeder = self.microphone, self._feeder
        if microphone is not None:
            now = microphone.state
            return HearingState(microphone.uri, now.state, now.reason, microphone.reopened)
        if self._wanted is None and feeder is not None and self._ring.used_by(feeder):
            source = feeder.source
            if isinstance(source, HasSound) and source.has_sound:
                return HearingState("source", "live")
            live = feeder.state.state == "live"
            why = "the source has no sound" if live else "the source gives nothing at the moment"
            return HearingState("source", "none", why)
        return HearingState("none", "none", "source.sound is none")

    def ask_to_stop(self) -> None:
        """Have the microphone end soon."""
        if self.microphone is not None:
            self.microphone.ask_to_stop()

    def stop(self, timeout: float) -> bool:
        """End the microphone; False if it has not let go after ``timeout`` seconds."""
        return self.microphone is None or self.microphone.stop(timeout)


def microphone(settings: SourceSettings) -> tuple[str, Callable[[], str | None]] | None:
    """What a microphone is known by, and what finds its address at each try.

    None where sound comes with the picture, or none is wanted.
    """
    if settings.sound == "none":
        return None
    if settings.sound != "auto":
        return settings.sound, lambda: settings.sound
    uri = address_of(settings, quiet=True)
    scheme = source_scheme(uri)
    beside = None if scheme is None else scheme.microphone
    return None if beside is None else (uri, lambda: beside(uri))
