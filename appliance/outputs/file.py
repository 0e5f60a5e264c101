"""Recordings: a path that ends in ``.mp4`` or ``.mkv``."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from pathlib import Path

import structlog

from appliance.errors import InputError, OutputError
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame
from appliance.outputs import audio, encoders
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.gstreamer import Sink

log = structlog.get_logger(__name__)

# MP4 in one-second fragments, so that a file cut off anywhere plays up to that point; a clean close
# turns it into an ordinary, seekable file. Matroska is like that by nature.
_MUXERS = {
    ".mp4": "mp4mux name=mux fragment-duration=1000 fragment-mode=first-moov-then-finalise",
    ".mkv": "matroskamux name=mux writing-app=mattebox min-cluster-duration=1000000000",
}
QUEUED_FRAMES = 4
# Longer than the programme waits for sound.
NO_SOUND_NS = 10 * 10**9
_QUEUE = f"queue max-size-buffers=0 max-size-time=0 max-size-bytes={64 << 20}"
# How long the end of a recording waits for an encoder that is behind, before it does without.
ROOM_S = 0.5
# With less room no recording is started: on a full disk each retry would leave another stump.
LEAST_FREE_MB = 16
MOST_NUMBERS = 9999


class FileOutput:
    """One recording, H.264.

    An existing file is never overwritten, since it may be irreplaceable: the recording goes to the
    next free name (``talk.mp4``, ``talk-2.mp4``, …), also when the output reopens after a failure.
    ``uri`` names the one in use.
    """

    def __init__(
        self, path: Path, video: encoders.Wanted = encoders.DEFAULT, sound: str = "auto"
    ) -> None:
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
        self._begins = 0
        self._last: Frame | None = None
        self._sound = sound
        self._early: deque[AudioBlock] = deque(maxlen=64)

    def open(self, format: Format) -> None:
        """Claim a name and start the encoder. Raises OutputError if there is no name or no room."""
        format = even_format(format)
        rate = self._wanted.rate(format)
        encoder = encoders.startable(encoders.choose(self._wanted.encoder), format, rate)
        _see_that_there_is_room(self._wanted_path)
        self.path = _claim(self._wanted_path)
        self.uri, self._written = str(self.path), 0
        if self.path != self._wanted_path:
            log.info("recording to the next free name", path=self.uri)
        self._period = int(1e9 / format.rate)
        self._last = None
        self._early.clear()
        location = self.uri.replace("\\", "\\\\").replace('"', '\\"')
        # Unbuffered, so that what has left the muxer is in the file even if the program is killed.
        suffix = self.path.suffix.lower()
        description = (
            # Pictures wait here for the sound that belongs to them.
            f"{encoders.launch(encoder, format, rate)} h264parse ! "
            f"{_QUEUE} ! "
            f"{_MUXERS[suffix]} ! "
            f'filesink buffer-mode=unbuffered location="{location}"'
        )
        codec = audio.codec_of(self._sound, "aac" if suffix == ".mp4" else "opus")
        if codec is not None:
            description += f" {audio.launch(codec)} ! {_QUEUE} ! mux."
        try:
            self._sink = Sink(self.uri, format, description, queued=QUEUED_FRAMES, leaky=False)
        except OutputError:
            self._discard_if_empty()
            raise

    def hear(self, sound: AudioBlock) -> None:
        """See ``Hears``."""
        if self._sink is None or self._sink.sound is None:
            return
        if self._last is None:
            # The first picture says where the recording begins.
            self._early.append(sound)
            return
        for block in (*self._early, sound):
            self._sink.sound.push(block, self._begins)
        self._early.clear()

    def write(self, frame: Frame) -> None:
        """Record one frame at its own time after the first; waits for encoder and disk."""
        if self._sink is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        frame = even_frame(frame)
        if self._last is None:
            self._begins = frame.pts
        self._sink.push(frame, frame.pts - self._begins, self._period)
        if self._sink.sound is not None:
            self._sink.sound.fill(frame.pts - self._begins - NO_SOUND_NS)
        self._last = frame
        self._written += 1

    def close(self) -> None:
        """Write the index. Raises OutputError if that fails; what was recorded still plays."""
        sink, self._sink = self._sink, None
        if sink is None:
            return
        try:
            self._fill(sink)
            sink.stop(finish=True)
        finally:
            self._discard_if_empty()

    def _fill(self, sink: Sink) -> None:
        """Have the last picture last: until its end, or until now if that comes first.

        By another copy of it, as the parser gives every picture the length of a period.
        """
        last, self._last = self._last, None
        if last is None:
            return
        ends, now = last.pts + last.duration, time.monotonic_ns()
        # A file's own line has nothing to do with our clock, and is not at the same place on it.
        if last.pts <= now < ends:
            ends = now
        if 2 * (ends - last.pts) > 3 * self._period and sink.ready(ROOM_S):
            sink.push(last, ends - self._period - self._begins, self._period)

    def clients(self) -> int:
        """Always 0: nobody reads."""
        return 0

    def _discard_if_empty(self) -> None:
        """Leave no empty recording behind, least of all one per retry."""
        if not self._written:
            with contextlib.suppress(OSError):
                self.path.unlink()


def _see_that_there_is_room(path: Path) -> None:
    """Raises OutputError when the disk is all but full."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return  # creating the file will say why
    # Some file systems report no blocks at all, which means nothing. The message holds no free
    # space figure: a different figure at each retry would mean another line in the log each time.
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < LEAST_FREE_MB << 20:
        raise OutputError(
            f"{path}: the disk is full; expected {LEAST_FREE_MB} MB of room or more for a "
            f"recording: delete or move something, see df {path.parent}"
        )


def _claim(path: Path) -> Path:
    """Create an empty file under the first free name. Raises OutputError."""
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
