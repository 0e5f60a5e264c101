"""The sound that goes out: what the ring has for a picture, made louder, quieter or silent."""

from __future__ import annotations

from dataclasses import replace

from appliance.config.settings import SoundSettings
from appliance.media.audio import AudioBlock
from appliance.media.audio_ring import AudioRing
from appliance.media.levels import Gain, Meter, gain_of


class AudioBus:
    """Between the ring and the outputs. ``take`` is called by one thread at a time.

    Attributes:
        ring: where sound waits for its pictures.
        meter: how loud it goes out.
        sent: samples that went out.
    """

    def __init__(self, ring: AudioRing, settings: SoundSettings) -> None:
        self.ring = ring
        self.meter = Meter()
        self.sent = 0
        self._gain = Gain()
        self.configure(settings)

    def configure(self, settings: SoundSettings) -> None:
        """Take over other settings; what they change moves there without a click."""
        self._settings = settings
        self._loud = gain_of(settings.volume)
        self.ring.delay(settings.delay_ms * 1_000_000)

    @property
    def clipped(self) -> int:
        """Samples, of either channel, that were too loud for 16 bits."""
        return self._gain.clipped

    def take(self, until: int, patience: int, *, ahead: int = 0, placeholder: bool) -> AudioBlock:
        """The sound up to a time, nanoseconds; see ``AudioRing.take``.

        ``placeholder``: whether that is what goes out in the picture's place.
        """
        settings = self._settings
        sound = self.ring.take(until, patience, ahead)
        silent = settings.mute or (placeholder and settings.with_placeholder == "mute")
        samples = self._gain.apply(sound.samples, 0.0 if silent else self._loud)
        self.meter.add(samples)
        self.sent += len(samples)
        return replace(sound, samples=samples)
