"""A video behind the person: decoded ahead in GStreamer's threads, looped seamlessly."""

from __future__ import annotations

from pathlib import Path

from appliance.config.settings import SourceSettings
from appliance.errors import InputError
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed
from appliance.sources.base import Source
from appliance.sources.feeder import SourceFeeder
from appliance.sources.file import FileSource

_FIRST_S = 5.0


class VideoBackground:
    """Plays a file at its own speed; what it shows is the latest picture decoded."""

    wants_frame = False

    def __init__(self, path: Path, format: Format, fit: str, source: Source | None = None) -> None:
        """Opens the file and waits for its first picture. Raises InputError.

        ``source`` plays it, if it is not for GStreamer.
        """
        settings = SourceSettings(uri=str(path), loop=True, pace="realtime")
        if source is None:
            source = FileSource(settings, path, fill=fit == "fill", use="background")
        self._feeder = SourceFeeder(source, settings, want=format)
        try:
            self._feeder.start()
            first = self._feeder.mailbox.get(_FIRST_S)
        except Closed:
            first = None
        if first is None:
            reason = self._feeder.state.reason
            self._feeder.stop()
            raise InputError(f"background {str(path)!r}: gives no picture ({reason})")
        self._latest = first

    @property
    def error(self) -> BaseException | None:
        """See ``Background.error``."""
        return self._feeder.error

    def frame(self, live: Frame) -> Frame:
        """See ``Background.frame``."""
        return self.picture

    @property
    def picture(self) -> Frame:
        """See ``Background.picture``: it plays on while no live frame comes."""
        try:
            newest = self._feeder.mailbox.get(0)
        except Closed:
            newest = None
        if newest is not None:
            self._latest = newest
        return self._latest

    def close(self) -> None:
        """See ``Background.close``."""
        self._feeder.stop()
