"""A video behind the person: decoded ahead in GStreamer's threads, looped seamlessly."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from appliance.config.settings import SourceSettings
from appliance.errors import InputError
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed, Mailbox
from appliance.sources.base import Source
from appliance.sources.feeder import SourceFeeder
from appliance.sources.file import FileSource

_FIRST_S = 5.0
# Pictures kept to look back at: 60 a second reach back by a step of a camera of 25.
_KEPT = 3


class _LookingBack(Mailbox[Frame]):
    """Keeps the last pictures put in, from when it is first asked for one of them."""

    def __init__(self) -> None:
        super().__init__()
        self._recent: deque[Frame] = deque(maxlen=_KEPT)
        self._asked = False

    def put(self, item: Frame, timeout: float = 5.0) -> bool:
        """See ``Mailbox.put``."""
        if self._asked:
            self._recent.append(item)
        return super().put(item, timeout)

    def at(self, when: int) -> Frame | None:
        """The newest kept picture not after this time (``time.monotonic_ns()``)."""
        self._asked = True
        return next((one for one in reversed(tuple(self._recent)) if one.pts <= when), None)


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
        self._mailbox = _LookingBack()
        self._feeder = SourceFeeder(source, settings, want=format, mailbox=self._mailbox)
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

    def before(self, ago_ns: int) -> Frame:
        """The picture that was on so many nanoseconds ago; the newest if that is not known."""
        newest = self.picture
        return self._mailbox.at(time.monotonic_ns() - ago_ns) or newest

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
