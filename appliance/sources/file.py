"""A video file: looped seamlessly, at its own speed or as fast as it is read."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, error_text
from appliance.sources.check_file import check_file
from appliance.sources.elements import chain, make
from appliance.sources.gif import padded_copy
from appliance.sources.gstreamer import GstSource, duration_of, running_time

log = structlog.get_logger(__name__)


class FileSource(GstSource):
    """Plays a file.

    The decoder runs a few pictures ahead. When its last picture is out, those still unread are
    set aside and the file starts again while they are shown, so looping causes no delay.
    """

    buffers = 4
    # A second thread costs a tenth more in all; it pays off for 4K, if there are cores to spare.
    decoder_threads = 2 if (os.cpu_count() or 1) >= 4 else 1

    def __init__(
        self, settings: SourceSettings, path: Path, *, fill: bool = False, use: str = "source"
    ) -> None:
        """``fill``: crop instead of adding bars. ``use``: what errors call the file."""
        super().__init__(settings, f"{use} {str(path)!r}")
        self.fill = fill
        self._path, self._use = path, use
        self.live = self.paced = settings.pace != "fast"
        # Samples, each with whether a round of the loop begins with it.
        self._held: deque[tuple[Gst.Sample, bool]] = deque()
        self._restart = False
        self._this_round = 0
        self._copy: BinaryIO | None = None

    @property
    def live_drop(self) -> bool:
        """A file waits for its reader."""
        return False

    @property
    def length_s(self) -> float | None:
        """How long the file plays, seconds, while it is open and says so."""
        pipeline = self._pipeline
        known, length = (False, 0) if pipeline is None else pipeline.query_duration(Gst.Format.TIME)
        return length / 1e9 if known and length > 0 else None

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        self._copy = padded_copy(self._path)
        path = f"/proc/self/fd/{self._copy.fileno()}" if self._copy else str(self._path)
        chain(pipeline, [make("filesrc", location=path), self.decoder])

    def close(self) -> None:
        """See ``Source.close``."""
        super().close()
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        check_file(self._path, self._use)
        self._held.clear()
        self._restart, self._this_round = False, 0
        return super().open(want)

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        following = self._next(time.monotonic() + timeout)
        if following is None:
            return None
        sample, restart = following
        return self._frame(sample, restart=restart)

    def failed(self, message: Gst.Message) -> MatteboxError:
        """See ``GstSource.failed``: what cannot be played at all never will be."""
        return InputError(
            f"{self.name}: not a video that can be played ({error_text(message)}){self._missing}; "
            "check it with ffprobe"
        )

    def no_picture(self, why: str) -> MatteboxError:
        """See ``GstSource.no_picture``."""
        return InputError(
            f"{self.name}: {why}{self._missing}; expected a video with pictures, check it with "
            "ffprobe"
        )

    def _next(self, deadline: float) -> tuple[Gst.Sample, bool] | None:
        """The next sample and whether it begins a round; past the end of the file, its start."""
        if self._held:
            return self._held.popleft()
        while True:
            try:
                if self._ended.is_set():
                    self._loop()
                    if self._held:
                        return self._held.popleft()
                sample = self._take(deadline)
            except InputError as error:
                self._broken_off(error)
                continue
            if sample is not None:
                return sample, self._begins()
            if not self._ended.is_set() and time.monotonic() >= deadline:
                return None

    def _begins(self) -> bool:
        """Count the sample just taken; returns whether it is a round's first."""
        restart, self._restart = self._restart, False
        self._this_round += 1
        return restart

    def _loop(self) -> None:
        """Set aside what is decoded but unread, and start the file again."""
        # With a deadline of now: the picture that ``open`` waited for, then those in the appsink.
        ends = self._newest
        while (sample := self._take(0.0)) is not None:
            self._held.append((sample, self._begins()))
            ends = running_time(sample) + duration_of(sample)
        if not self.settings.loop:
            if self._held:
                return
            raise self._over("played to its end")
        # Winding back would lose what of their sound is not decoded yet.
        self._await_its_sound(ends)
        self._again()

    def _again(self) -> None:
        if not self._this_round:
            raise SourceError(f"{self.name}: no picture since it was started again")
        self._this_round, self._restart = 0, True
        assert self._pipeline is not None
        self._ended.clear()
        how = Gst.SeekFlags.FLUSH | Gst.SeekFlags.KEY_UNIT
        if not self.winds_back or not self._wind_back(how):
            self._reopen()

    def _wind_back(self, how: Gst.SeekFlags) -> bool:
        # By the picture's sink alone: asked by the sound's as well, matroskademux would wind to
        # where that begins to be needed.
        return self._sink is not None and bool(self._sink.seek_simple(Gst.Format.TIME, how, 0))

    def _reopen(self) -> None:
        """Reopen a file that cannot be rewound, keeping format and count."""
        format, frames = self.format, self.frames
        check_file(self._path, self._use)
        super().open(self._want or format)
        # Its sound belongs to the round that begins with the next picture read from it.
        self.frames, self._round = frames, -1

    def _broken_off(self, error: InputError) -> None:
        """Treat a file that breaks off after some pictures (truncated, say) as ending there."""
        if not self._this_round:
            raise SourceError(str(error)) from error
        log.warning("the file breaks off; taken for its end", source=self.name, reason=str(error))
        if not self.settings.loop:
            raise self._over("played to where it breaks off") from error
        self._this_round, self._restart = 0, True
        self._reopen()
