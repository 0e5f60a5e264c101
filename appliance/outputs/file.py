"""Recordings: a path that ends in ``.mp4`` or ``.mkv``."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import structlog

from appliance.errors import InputError, OutputError
from appliance.media.frame import Format, Frame
from appliance.outputs import encoders
from appliance.outputs.clock import RecordingClock
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.gstreamer import Sink

log = structlog.get_logger(__name__)

# MP4 in fragments of a second, so that a file cut off anywhere plays up to there; a clean close
# turns it into an ordinary file that seeks. Matroska is like that by nature.
_MUXERS = {
    ".mp4": "mp4mux fragment-duration=1000 fragment-mode=first-moov-then-finalise",
    ".mkv": "matroskamux writing-app=mattebox min-cluster-duration=1000000000",
}
QUEUED_FRAMES = 4
# With less room no recording is begun: a full disk would get one more stump at each retry.
LEAST_FREE_MB = 16
MOST_NUMBERS = 9999


class FileOutput:
    """One recording, H.264.

    An existing file is never overwritten, for it may be the one thing that cannot be had again:
    the recording goes to the next free name (``talk.mp4``, ``talk-2.mp4``, …), also when the
    output opens again after a failure. ``uri`` names the one in use.
    """

    def __init__(self, path: Path, video: encoders.Wanted = encoders.DEFAULT) -> None:
        """Raises InputError when the name does not end in a known suffix."""
        if path.suffix.lower() not in _MUXERS:
            raise InputError(
                f"output {str(path)!r}: the name ends in {path.suffix or 'no suffix'}; "
                f"expected {' or '.join(_MUXERS)}"
            )
        self.uri = str(path)
        self.path = path
        self.dropped = 0
        self._wanted_path, self._wanted = path, video
        self._sink: Sink | None = None
        self._period = self._written = 0
        self._clock = RecordingClock(1)

    def open(self, format: Format) -> None:
        """Take the name and start the encoder. Raises OutputError when there is no name or room."""
        format = even_format(format)
        rate = self._wanted.rate(format)
        encoder = encoders.startable(encoders.choose(self._wanted.encoder), format, rate)
        _see_that_there_is_room(self._wanted_path)
        self.path = _claim(self._wanted_path)
        self.uri, self._written = str(self.path), 0
        if self.path != self._wanted_path:
            log.info("recording to the next free name", path=self.uri)
        self._period = int(1e9 / format.rate)
        self._clock = RecordingClock(self._period)
        location = self.uri.replace("\\", "\\\\").replace('"', '\\"')
        # Unbuffered: what has left the muxer is in the file when the program is killed.
        description = (
            f"{encoders.launch(encoder, format, rate)} h264parse ! "
            f"{_MUXERS[self.path.suffix.lower()]} ! "
            f'filesink buffer-mode=unbuffered location="{location}"'
        )
        try:
            self._sink = Sink(self.uri, format, description, queued=QUEUED_FRAMES, leaky=False)
        except OutputError:
            self._discard_if_empty()
            raise

    def write(self, frame: Frame) -> None:
        """Record one frame at its source's time; waits while the encoder or the disk is behind."""
        if self._sink is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        self._sink.push(even_frame(frame), self._clock.stamp(frame.pts), self._period)
        self._written += 1

    def close(self) -> None:
        """Write the index. Raises OutputError when that failed; what was recorded still plays."""
        sink, self._sink = self._sink, None
        if sink is None:
            return
        try:
            sink.stop(finish=True)
        finally:
            self._discard_if_empty()

    def clients(self) -> int:
        """Always 0: nobody reads."""
        return 0

    def _discard_if_empty(self) -> None:
        """Leave no recording of nothing behind, least of all one for each retry."""
        if not self._written:
            with contextlib.suppress(OSError):
                self.path.unlink()


def _see_that_there_is_room(path: Path) -> None:
    """Raise OutputError when the disk is as good as full."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return  # creating the file will say why
    # Some file systems have no blocks at all, and say nothing by it. No figure in the words: the
    # same trouble, told with another one, would be another line in the log at each retry.
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < LEAST_FREE_MB << 20:
        raise OutputError(
            f"{path}: the disk is full; expected {LEAST_FREE_MB} MB of room or more for a "
            f"recording: delete or move something, see df {path.parent}"
        )


def _claim(path: Path) -> Path:
    """Create the first free name, empty. Raises OutputError."""
    number = 1
    while number <= MOST_NUMBERS:
        name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            number += 1
        except OSError as error:
            raise OutputError(
                f"{name}: cannot be created ({error.strerror}); expected a folder that exists, "
                f"has room and may be written to: see ls -ld {path.parent} and df {path.parent}"
            ) from error
        else:
            return name
    raise OutputError(f"{path}: {MOST_NUMBERS} recordings of this name are there; move some away")
