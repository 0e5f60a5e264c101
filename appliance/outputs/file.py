"""Recordings: a path that ends in ``.mp4`` or ``.mkv``."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import structlog

from appliance.errors import InputError, OutputError
from appliance.media.frame import Format, Frame
from appliance.outputs import encoders
from appliance.outputs.disk import see_that_there_is_room
from appliance.outputs.encoded.audio import Codec, codec_of
from appliance.outputs.encoded.mp4 import Mp4
from appliance.outputs.encoded.muxer import Muxer
from appliance.outputs.even import even_format
from appliance.outputs.subtitles import SubtitleFile, subtitles_of
from appliance.outputs.written import WrittenOutput

log = structlog.get_logger(__name__)

# Both in short pieces, so that a file cut off anywhere plays up to that point.
SUFFIXES = (".mp4", ".mkv")
_MATROSKA = "matroskamux name=mux writing-app=mattebox min-cluster-duration=1000000000"
# What may wait for the disk.
MOST_BYTES = 64 << 20
# Longer than the programme waits for sound.
NO_SOUND_NS = 10 * 10**9
MOST_NUMBERS = 9999


class FileOutput(WrittenOutput):
    """One recording, H.264.

    An existing file is never overwritten, since it may be irreplaceable: the recording goes to the
    next free name (``talk.mp4``, ``talk-2.mp4``, …), also when the output reopens after a failure.
    ``uri`` names the one in use.
    """

    def __init__(
        self, path: Path, video: encoders.Wanted = encoders.DEFAULT, sound: str = "auto",
        *, captions: bool = True,
    ) -> None:  # fmt: skip
        """``captions``: what is said is written beside it.

        Raises InputError when the name does not end in a known suffix.
        """
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"output {str(path)!r}: the name ends in {path.suffix or 'no suffix'}; "
                f"expected {' or '.join(SUFFIXES)}"
            )
        super().__init__(str(path), video, lossless=True, no_sound_ns=NO_SOUND_NS)
        self.path = path
        self._wanted_path = path
        self._last: tuple[int, int] | None = None
        self._claimed = False
        self._sound = sound
        self._captions = captions
        self._subtitles: SubtitleFile | None = None

    def open(self, format: Format) -> None:
        """Claim a name and start the encoder. Raises OutputError if there is no name or no room."""
        format = even_format(format)
        suffix = self._wanted_path.suffix.lower()
        codec = codec_of(self._sound, "aac" if suffix == ".mp4" else "opus")
        see_that_there_is_room(self._wanted_path)
        self.path = _claim(self._wanted_path, captions=self._captions)
        self.uri, self._last, self._claimed = str(self.path), None, True
        self._subtitles = SubtitleFile(self.path) if self._captions else None
        if self.path != self._wanted_path:
            log.info("recording to the next free name", path=self.uri)
        try:
            self._begin(self._make_muxer(format, codec), format, codec)
        except BaseException:
            self.close()
            raise

    def _make_muxer(self, format: Format, codec: Codec | None) -> Muxer | Mp4:
        if self.path.suffix.lower() == ".mp4":
            return Mp4(self.path, format, codec, most_bytes=MOST_BYTES, waits=self.lossless)
        location = self.uri.replace("\\", "\\\\").replace('"', '\\"')
        return Muxer(
            self.uri,
            # Unbuffered, so that what has left the muxer is in the file even if the program is
            # killed.
            f'{_MATROSKA} ! filesink buffer-mode=unbuffered location="{location}"',
            sound=None if codec is None else "",
            most_bytes=MOST_BYTES,
            full="wait" if self.lossless else "fail",
            hold_last=True,
        )

    def write(self, frame: Frame) -> None:
        """Record one frame at its own time after the first; waits for encoder and disk."""
        super().write(frame)
        self._last = frame.pts, frame.duration
        if self._subtitles is not None:
            self._subtitles.note(frame)

    def close(self) -> None:
        """Write the index. Raises OutputError if that fails; what was recorded still plays."""
        ends = self._ends()
        subtitles, self._subtitles = self._subtitles, None
        try:
            self._end(ends)
        finally:
            if subtitles is not None:
                subtitles.close(ends)
            self._discard_if_empty()

    def _ends(self) -> int | None:
        """When the last picture ends: at its own end, or now if that comes first."""
        if self._last is None:
            return None
        pts, duration = self._last
        now = time.monotonic_ns()
        # A file's own line has nothing to do with our clock, and is not at the same place on it.
        return now if pts <= now < pts + duration else pts + duration

    def _discard_if_empty(self) -> None:
        """Leave no empty recording behind, least of all one per retry."""
        claimed, self._claimed = self._claimed, False
        if claimed and self._last is None:
            with contextlib.suppress(OSError):
                self.path.unlink()


def _claim(path: Path, *, captions: bool) -> Path:
    """Create an empty file under the first free name. Raises OutputError.

    ``captions``: a name of which there are subtitles is not free: players would show them with it.
    """
    number = 1
    while number <= MOST_NUMBERS:
        name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        if captions and os.path.lexists(subtitles_of(name)):
            number += 1
            continue
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
