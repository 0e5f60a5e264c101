"""The first of two sources or, if that cannot deliver pictures, the second."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from appliance.errors import MatteboxError, SourceError
from appliance.media.frame import Format, Frame
from appliance.sources.base import Source
from appliance.sources.chosen_sound import SoundOfChosen

log = structlog.get_logger(__name__)


class FallbackSource(SoundOfChosen):
    """Two ways to the same camera. Once the second has been needed and has opened, it stays."""

    live = True
    paced = False

    def __init__(self, first: Callable[[], Source], second: Callable[[], Source]) -> None:
        """Neither is created until it is to be opened."""
        self._first, self._second = first, second
        self._chosen: Source | None = None
        self._second_it_is = False

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``; raises what the second raises when neither opens."""
        self.close()
        if not self._second_it_is:
            try:
                self._chosen = self._first()
                return self._chosen.open(want)
            except MatteboxError as error:
                self.close()
                log.warning("jetson-utils gives no pictures; GStreamer tries", reason=str(error))
        self._chosen = self._second()
        format = self._chosen.open(want)
        self._second_it_is = True
        return format

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        if self._chosen is None:
            raise SourceError("a source was read before open")
        return self._chosen.read(timeout)

    def close(self) -> None:
        """See ``Source.close``."""
        if self._chosen is not None:
            self._chosen.close()
