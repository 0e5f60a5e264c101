"""Nothing is decoded that rests on pictures which never came.

Who joins a camera between two key frames, or loses a packet, gets pictures that build on others
that are not there: grey that smears, for as long as the camera's key frames are apart. A decoder
shows them all the same. So they are left out before it, from the gap up to the next key frame; what
was good last stays meanwhile, or the placeholder comes.
"""

from __future__ import annotations

import time

import structlog

from appliance.media.gst import Gst

log = structlog.get_logger(__name__)

PARSERS = ("h264parse", "h265parse")
"""These tell from the stream itself what a key frame is: an IDR or I picture, a recovery point."""


class KeyFrameGate:
    """Lets pass what is whole, for one opening of a source.

    Attributes:
        passed: whether a key frame has come.
    """

    def __init__(self, name: str) -> None:
        """``name`` is the source's, for the log."""
        self.passed = False
        self._name = name
        self._closed = True
        self._held_at: float | None = None
        self._told = False

    def watch(self, parser: Gst.Element) -> None:
        """Stand behind a parser that was just added."""
        parser.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self._on_picture)

    def close(self) -> None:
        """Wait for the next key frame: a picture has come out broken."""
        self._closed = True

    def waits(self, within: float) -> bool:
        """Whether pictures came in the last ``within`` seconds, and none of them could pass."""
        held = self._held_at
        return self._closed and held is not None and time.monotonic() - held < within

    def _on_picture(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        picture = info.get_buffer()
        if not picture.has_flags(Gst.BufferFlags.DELTA_UNIT):
            self._closed, self.passed, self._told = False, True, False
            return Gst.PadProbeReturn.OK
        # A picture after a gap in what was received: it is broken itself, or its references are.
        if picture.has_flags(Gst.BufferFlags.DISCONT):
            self._closed = True
        if not self._closed:
            return Gst.PadProbeReturn.OK
        self._held_at = time.monotonic()
        if self.passed and not self._told:
            self._told = True
            log.info("something was lost; waiting for the next key frame", source=self._name)
        return Gst.PadProbeReturn.DROP
