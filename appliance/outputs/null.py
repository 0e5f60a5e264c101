"""``null://``: frames go nowhere and are counted."""

from __future__ import annotations

from appliance.errors import OutputError
from appliance.media.frame import Format, Frame


class NullOutput:
    """Counts frames: for measuring the path alone, and for tests.

    Attributes:
        frames: frames written since construction.
        last: the newest frame, so that a test can look at it; None when closed.
    """

    def __init__(self, uri: str = "null://") -> None:
        self.uri = uri
        self.frames = 0
        self.dropped = 0
        self.last: Frame | None = None
        self._open = False

    def open(self, format: Format) -> None:
        """Nothing to get ready."""
        self._open = True

    def write(self, frame: Frame) -> None:
        """Count ``frame``. Raises OutputError when the output is not open."""
        if not self._open:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        self.frames += 1
        self.last = frame

    def close(self) -> None:
        """Let go of the last frame; the counts stay."""
        self._open = False
        self.last = None

    def clients(self) -> int:
        """Always 0: nobody reads."""
        return 0
