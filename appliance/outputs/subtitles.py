"""What is said in a recording, in a SubRip file beside it."""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from appliance.captions.cue import TimedCue
from appliance.captions.srt import SUFFIX, srt_cue
from appliance.media.frame import Frame

# How long a cue is said to last until its end is known: what stays if the program is killed.
_OPEN_NS = 2_000_000_000

log = structlog.get_logger(__name__)


class SubtitleFile:
    """``NAME.srt`` beside ``NAME.mp4``, made when the first cue comes.

    Times count from the recording's first picture. What has been written stands in the file, whole,
    even if the program is killed. A disk that fails ends the subtitles, with one warning, never the
    recording.
    """

    def __init__(self, recording: Path) -> None:
        """Nothing is written yet."""
        self._recording = recording
        self._file: int | None = None
        self._failed = False
        self._zero: int | None = None
        self._count = self._at = 0
        self._shown: object = None
        self._cue: TimedCue | None = None
        self._until = 0

    def note(self, frame: Frame) -> None:
        """A picture that has been recorded, and with it what is said."""
        if self._zero is None:
            self._zero = frame.pts
        now = frame.pts - self._zero
        self._until = now + frame.duration
        caption = frame.caption
        if caption is self._shown:
            return
        self._end(now)
        self._shown = caption
        if caption is not None:
            cue = TimedCue(now, now + _OPEN_NS, caption.text)
            if self._write(cue):
                self._cue = cue

    def close(self, ends: int | None = None) -> None:
        """End the cue that is shown, and the file. ``ends``: when the last picture does (its pts).

        Safe to call twice.
        """
        until = self._until if ends is None or self._zero is None else ends - self._zero
        self._end(until)
        self._shown = None
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _end(self, now: int) -> None:
        """The end of the cue that is in the file is known now."""
        cue, self._cue = self._cue, None
        if cue is None:
            return
        ended = TimedCue(cue.begin_ns, now, cue.text)
        if self._write(ended):
            self._at += len(srt_cue(ended, self._count + 1).encode())
            self._count += 1

    def _write(self, cue: TimedCue) -> bool:
        """Write the newest cue, over itself if it is there already; False if there is none."""
        written = srt_cue(cue, self._count + 1).encode()
        if not written or self._failed:
            return False
        try:
            if self._file is None:
                self._file = self._create()
            os.pwrite(self._file, written, self._at)
            os.ftruncate(self._file, self._at + len(written))
        except OSError as error:
            self._failed = True
            log.warning(
                "the recording goes on without subtitles",
                recording=str(self._recording), why=error.strerror or str(error),
            )  # fmt: skip
            return False
        return True

    def _create(self) -> int:
        """Never over a file that is there: ``NAME.mp4.srt`` then. Raises OSError."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        try:
            return os.open(subtitles_of(self._recording), flags, 0o644)
        except FileExistsError:
            # As of another recording of that name, with another suffix.
            return os.open(f"{self._recording}{SUFFIX}", flags, 0o644)


def subtitles_of(recording: Path) -> Path:
    """Where players look for a recording's subtitles."""
    return recording.with_suffix(SUFFIX)
