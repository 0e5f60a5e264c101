"""The cues of a playout that is running: what was shown when, for whoever asks for it live."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from appliance.captions.cue import TimedCue
from appliance.captions.webvtt import webvtt
from appliance.media.caption import Caption

MOST_CUES = 1000
OPEN_NS = 10 * 10**9
"""For how long a cue is given out that is still shown: nobody knows its end yet."""


class CaptionTrack:
    """A bounded list of cues. Any thread may call any method.

    Cues are numbered from 1, as they come; the oldest are forgotten.
    """

    def __init__(self, most: int = MOST_CUES) -> None:
        """``most``: how many cues are remembered."""
        self._lock = threading.Lock()
        self._cues: deque[TimedCue] = deque(maxlen=most)
        self._shown: Caption | None = None
        self._count = 0

    def show(self, caption: Caption | None, at_ns: int) -> None:
        """From ``at_ns`` on this is shown, None: nothing; to be called for every picture, or less.

        The same object again changes nothing.
        """
        with self._lock:
            if caption is self._shown:
                return
            if self._shown is not None:
                self._cues[-1] = replace(self._cues[-1], end_ns=at_ns)
            self._shown = caption
            if caption is not None:
                self._count += 1
                self._cues.append(
                    TimedCue(
                        at_ns, at_ns + OPEN_NS, caption.text, self._count, caption.language
                    )
                )  # fmt: skip

    @property
    def newest(self) -> int:
        """The number of the newest cue; 0 while there was none."""
        return self._count

    def since(self, number: int = 0) -> list[TimedCue]:
        """The cues that are remembered from those after ``number`` on, oldest first.

        One that is still shown ends ``OPEN_NS`` after its beginning; ask again for its real end.
        """
        with self._lock:
            return [cue for cue in self._cues if cue.number > number]

    def webvtt(self, since: int = 0) -> str:
        """Those as a WebVTT file."""
        return webvtt(self.since(since))
