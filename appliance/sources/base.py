"""What a source is: anything that opens, gives frames and closes."""

from __future__ import annotations

from typing import Protocol

from appliance.media.frame import Format, Frame


class Source(Protocol):
    """One picture source. Used from one thread only; a failed source is closed and opened anew.

    ``open(want)`` gets the format the canvas has settled on, or None when the source is the one
    to decide; either way it returns the format it will deliver, always even-sided NV12. With
    ``want`` given, every frame has exactly its size and colour (scaled with the aspect kept, bars
    where it differs), whatever the camera or the file does, also when it changes midway.
    """

    live: bool
    """True for what cannot wait (camera, stream, real-time file); False for a fast file."""

    def open(self, want: Format | None) -> Format:
        """Connect. Raises InputError for what will never work, SourceError for what may later."""
        ...

    def read(self, timeout: float) -> Frame | None:
        """The next frame, or None after ``timeout`` seconds without one.

        Raises SourceError when the source broke, EndOfStream after the last frame of a source
        that does not loop.
        """
        ...

    def close(self) -> None:
        """Release everything; may be called twice, never raises, returns within 2 s."""
        ...
