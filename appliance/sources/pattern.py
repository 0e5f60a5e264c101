"""test://PATTERN: GStreamer's test pictures, for trying things without a camera."""

from __future__ import annotations

import numpy as np

from appliance.config.settings import SourceSettings
from appliance.errors import InputError
from appliance.media.audio import CHANNELS, I16, RATE, AudioBlock, position, time_of
from appliance.media.clock import NO_TIME
from appliance.media.enumerations import nicks
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst
from appliance.sources.elements import chain, make
from appliance.sources.gstreamer import GstSource

DEFAULT = "smpte"
TONE_HZ, TONE_DB = 1000, -20
"""The tone: the usual line-up level of SMPTE RP 155, that of a sine at -20 dBFS."""
# Of the pattern that turns its colours about every 50 pictures, only so much after each turn.
_BEEPS, _BEEP, _TURN = "ball", RATE // 20, 50
# A gap in the pictures longer than this is not filled up with the tone.
_MOST = 2 * RATE


def patterns() -> tuple[str, ...]:
    """The patterns that this GStreamer's videotestsrc can draw."""
    return nicks(make("videotestsrc").find_property("pattern").value_type)


def tone(first: int, count: int, every: float | None = None) -> I16:
    """Samples of the tone, int16 (count, 2), from sample number ``first`` of the stream on.

    ``every``: only the first 50 ms of each so many samples, with ramps of 2 ms that make no click.
    """
    number = np.arange(first, first + count)
    wave = 32767 * 10 ** (TONE_DB / 20) * np.sin(2 * np.pi * TONE_HZ / RATE * (number % RATE))
    if every is not None:
        within, edge = np.fmod(number, every), RATE // 500
        wave *= np.clip(np.minimum(within, _BEEP - within) / edge, 0, 1)
    return np.repeat(np.rint(wave).astype(np.int16)[:, None], CHANNELS, 1)


class PatternSource(GstSource):
    """A test pattern, 1280x720 at 30 frames a second unless the settings say otherwise.

    It has a tone; the ball, which turns its colours about every 50 pictures, a beep at each turn.
    """

    def __init__(self, settings: SourceSettings, pattern: str) -> None:
        self._pattern = pattern or DEFAULT
        super().__init__(settings, f"test://{self._pattern}")
        self._sounds: list[AudioBlock] = []
        self._spoken: int | None = None
        # Where the pattern's picture number 0 lies, in samples: a live one begins when it likes.
        self._origin: int | None = None
        self.live = settings.pace != "fast"
        if self._pattern not in patterns():
            raise InputError(
                f"source {self.name}: there is no such pattern; expected one of "
                f"{', '.join(patterns())}"
            )

    @property
    def _rate(self) -> tuple[int, int]:
        return (30, 1) if self.settings.fps == "auto" else self.settings.fps

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        width, height = (1280, 720) if self.settings.size == "auto" else self.settings.size
        numerator, denominator = self._rate
        beeps = self._pattern == _BEEPS
        source = make("videotestsrc", is_live=self.live, pattern=self._pattern, flip=beeps)
        size = make(
            "capsfilter",
            caps=Gst.Caps.from_string(
                f"video/x-raw,format=NV12,width={width},height={height},"
                f"framerate={numerator}/{denominator}"
            ),
        )
        chain(pipeline, [source, size, self.decoder])

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        self._sounds, self._spoken, self._origin = [], None, None
        return super().open(want)

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        frame = super().read(timeout)
        if frame is not None and self.with_sound and frame.pts != NO_TIME:
            self._speak(position(frame.pts), position(frame.pts + frame.duration))
        return frame

    def _frame(self, sample: Gst.Sample, *, restart: bool = False) -> Frame:
        frame = super()._frame(sample, restart=restart)
        if self._origin is None and frame.pts != NO_TIME:
            numerator, denominator = self._rate
            number = sample.get_buffer().offset
            before = 0 if number == Gst.BUFFER_OFFSET_NONE else number * RATE * denominator
            self._origin = position(frame.pts) - before // numerator
        return frame

    @property
    def has_sound(self) -> bool:
        """See ``HasSound``."""
        return self.with_sound

    @property
    def more_sound(self) -> bool:
        """See ``HasSound``."""
        return self.with_sound

    def sounds(self) -> list[AudioBlock]:
        """See ``HasSound``: made for the pictures that were read, to the sample."""
        found, self._sounds = self._sounds, []
        return found

    def _speak(self, begins: int, ends: int) -> None:
        """Make the sound up to the end of a picture."""
        fresh = self._spoken is None or ends - self._spoken > _MOST
        first = begins if self._spoken is None or fresh else self._spoken
        if ends > first:
            numerator, denominator = self._rate
            every = _TURN * RATE * denominator / numerator if self._pattern == _BEEPS else None
            samples = tone(first - (self._origin or 0), ends - first, every)
            self._sounds.append(AudioBlock(samples, time_of(first), fresh))
            # Nobody fetches them where a microphone is used in their place.
            del self._sounds[:-100]
            self._spoken = ends
