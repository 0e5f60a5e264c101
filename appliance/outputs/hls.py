"""HLS: a folder of short pieces and a playlist, for any web server or CDN to hand out."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import structlog

from appliance.errors import InputError, OutputError
from appliance.media.frame import Format
from appliance.outputs import encoders
from appliance.outputs.disk import see_that_there_is_room
from appliance.outputs.encoded.audio import codec_of
from appliance.outputs.encoded.muxer import Muxer
from appliance.outputs.even import even_format
from appliance.outputs.written import WrittenOutput

log = structlog.get_logger(__name__)

SUFFIX = ".m3u8"
# Players begin three pieces behind the newest one, which must be listed (RFC 8216, 6.3.3).
LISTED = 6
# Those not listed any more stay for as long again: a slow player may be fetching one.
KEPT = 2 * LISTED
# Longer than the programme waits for sound.
NO_SOUND_NS = 600_000_000
MOST_BYTES = 16 << 20


class HlsOutput(WrittenOutput):
    """``PATH/NAME.m3u8`` and, beside it, pieces named ``NAME-START-00000.ts``.

    The playlist is replaced as a whole, and names only pieces that are finished. Each start has
    names of its own, so that nothing between us and a player shows an old piece for a new one.
    """

    def __init__(
        self, path: Path, video: encoders.Wanted = encoders.DEFAULT, sound: str = "auto"
    ) -> None:
        """Raises InputError when the name does not end in .m3u8."""
        if path.suffix.lower() != SUFFIX:
            raise InputError(
                f"output {str(path)!r}: the name ends in {path.suffix or 'no suffix'}; "
                f"expected {SUFFIX}"
            )
        super().__init__(str(path), video, lossless=False, no_sound_ns=NO_SOUND_NS)
        self.path = path
        # The specification knows no Opus in its transport streams.
        self._codec = codec_of("none" if sound == "none" else "aac", "aac")

    def open(self, format: Format) -> None:
        """Remove what an earlier run left, and begin. Raises OutputError and as encoders do."""
        folder, stem = self.path.parent, self.path.stem
        see_that_there_is_room(self.path)
        _see_that_it_may_be_written(self.path)
        _remove_pieces(folder, stem)
        start = int(time.time())
        pieces = str(folder / f"{stem}-{start}-%05d.ts")
        format = even_format(format)
        try:
            muxer = Muxer(
                self.uri,
                "hlssink2 name=mux send-keyframe-requests=false "
                f"target-duration={max(1, round(self._wanted.keyframe_s))} "
                f"playlist-length={LISTED} max-files={KEPT} "
                f"location={_quoted(pieces)} playlist-location={_quoted(self.uri)}",
                video="h264parse config-interval=-1 !",
                sound=None if self._codec is None else "aacparse !",
                pads=("video", "audio"),
                most_bytes=MOST_BYTES,
                full="wait" if self.lossless else "fail",
            )
            self._begin(muxer, format, self._codec)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Finish the last piece and end the playlist. Raises OutputError if that fails."""
        self._end()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _see_that_it_may_be_written(path: Path) -> None:
    """Raises OutputError when there is no such folder, or nothing can be written into it."""
    trial = path.with_name(f".{path.name}.trial")
    try:
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); expected a folder that exists and may "
            f"be written to: see ls -ld {path.parent}"
        ) from error


def _remove_pieces(folder: Path, stem: str) -> None:
    """Remove the playlist and the pieces of an earlier run, by their names alone."""
    piece = re.compile(re.escape(stem) + r"-\d{9,}-\d{5,}\.ts")
    with contextlib.suppress(OSError):
        (folder / f"{stem}{SUFFIX}").unlink()
    try:
        old = [item for item in folder.iterdir() if piece.fullmatch(item.name)]
    except OSError as error:
        raise OutputError(f"{folder}: cannot be read ({error.strerror})") from error
    for item in old:
        try:
            item.unlink()
        except OSError as error:
            log.warning("an old piece stays", path=str(item), reason=error.strerror)
