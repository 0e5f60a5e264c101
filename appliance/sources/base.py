"""What a source is: anything that opens, gives frames and closes."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from appliance.config.settings import FaceSettings, VoiceSettings
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame


@runtime_checkable
class Ends(Protocol):
    """A source that has an end."""

    @property
    def length_s(self) -> float | None:
        """How long it is, seconds; None while that is not known."""
        ...


@runtime_checkable
class HasSound(Protocol):
    """A source that may have sound, too."""

    @property
    def has_sound(self) -> bool:
        """Whether there is any, as far as is known while it is open."""
        ...

    @property
    def more_sound(self) -> bool:
        """Whether more of it is to come, so that it is worth waiting for."""
        ...

    def sounds(self) -> list[AudioBlock]:
        """The sound that has come since the last call, with the stream's own times.

        Its first block, and the first of each round of a loop, is marked ``restart``. Only what
        belongs to the pictures read so far, or comes right after them.
        """
        ...


@runtime_checkable
class Speaks(Protocol):
    """A source that speaks texts."""

    def use_voice(self, voice: VoiceSettings) -> None:
        """Speak with this voice from the next turn on; one that cannot be had, is logged."""
        ...

    def use_face(self, face: FaceSettings) -> None:
        """Move the mouth so from now on; a driver that cannot be had, is logged."""
        ...


class Source(Protocol):
    """One source of frames. Used from one thread only; a failed source is closed and reopened.

    ``open(want)`` gets the format the canvas has settled on, or None when the source is the one
    to decide; either way it returns the format it will deliver, always even-sided NV12. With
    ``want`` given, every frame has exactly its size and colour (scaled with the aspect kept, bars
    where it differs), whatever the camera or the file does, even if it changes midway.
    """

    live: bool
    """True for what cannot wait (camera, stream, real-time file); False for a fast file."""

    paced: bool
    """True for what gives its frames as soon as it is asked, although each has its time."""

    def open(self, want: Format | None) -> Format:
        """Connect. Raises InputError if it can never work, SourceError if it may work later."""
        ...

    def read(self, timeout: float) -> Frame | None:
        """The next frame, or None after ``timeout`` seconds without one.

        Its ``pts`` is the stream's own time, as the stream gives it: it may jump, repeat and be
        missing (``media.clock.NO_TIME``); whoever feeds the appliance maps it to the appliance's
        clock. ``discontinuity`` marks where it begins anew (opened, another round of a loop).
        ``duration`` is how long it is to be shown, where the stream says.

        Raises SourceError when the source failed, EndOfStream after the last frame of a source
        that does not loop.
        """
        ...

    def close(self) -> None:
        """Release everything; may be called twice, never raises, returns within 2 s."""
        ...
