"""What has a beginning to go back to: it is played at its own pace, and opened again at its end."""

from __future__ import annotations

import time

from appliance.errors import SourceError
from appliance.media.frame import Format, Frame
from appliance.sources.web.fed import FedSource


class PacedFedSource(FedSource):
    """Fetched ahead, each picture held until it is due; a new round at each end."""

    paced = True
    buffers = 4
    _begins = False
    _this_round = 0

    @property
    def live_drop(self) -> bool:
        """What is fetched ahead waits for its reader."""
        return False

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        self._begins, self._this_round = False, 0
        return super().open(want)

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        deadline = time.monotonic() + timeout
        while True:
            sample = self._take(deadline)
            if sample is not None:
                begins, self._begins = self._begins, False
                self._this_round += 1
                return self._frame(sample, restart=begins)
            if self._ended.is_set():
                self._next_round()
            elif time.monotonic() >= deadline:
                return None

    def over(self) -> bool:
        """Whether what has come to its end is all there is, unless it is looped."""
        return True

    def _next_round(self) -> None:
        if self.over() and not self.settings.loop:
            raise self._over("played to its end")
        if not self._this_round:
            raise SourceError(f"{self.name}: no picture since it was started again")
        # Format and count go on; the sound is that of the next picture's round.
        format, frames = self.format, self.frames
        super().open(self._want or format)
        self.frames, self._round = frames, -1
        self._begins, self._this_round = True, 0
