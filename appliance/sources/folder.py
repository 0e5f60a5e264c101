"""A folder of pictures: a slide show, or the frames of a sequence one after the other."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, InputError, MatteboxError, SourceError
from appliance.media.frame import U8, Format, Frame
from appliance.media.image import read_picture
from appliance.sources import shown
from appliance.sources.check_file import check_file

log = structlog.get_logger(__name__)

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})
SLIDE_S = 5.0
"""How long a picture of a slide show stands, where the settings leave it open."""
SEQUENCE = 25
"""Pictures numbered without a gap from 0 or 1, as ffmpeg writes frames, that make a sequence."""
_MOST = 1_000_000
_AHEAD = 3
_KEPT_BYTES = 128 << 20
_END_S = 0.3

_Shown = tuple[Frame, bool]


class FolderSource:
    """The pictures by their names, numbers by their value; at the end from the beginning.

    A thread decodes a few ahead. What cannot be read is left out, and said once. The folder is
    looked into again at each round, so that pictures come and go.
    """

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        self.settings, self._folder = settings, folder
        self.name = f"source {str(folder)!r}"
        self.live = self.paced = settings.pace != "fast"
        self._format: Format | None = None
        self._coming: queue.Queue[_Shown | Exception] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._now: Frame | None = None
        self._stands = 1
        self._left = self._count = 0
        self._told: set[Path] = set()
        self._kept: dict[Path, tuple[tuple[int, int], Frame]] = {}
        self._kept_bytes = 0

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        self.close()
        names = self._names()
        longest = shown.longest_of(self.settings, want)
        first: tuple[Path, U8] | None = None
        problem = ""
        for path in names:
            try:
                first = path, self._decoded(path, longest)
                break
            except InputError as error:
                problem = problem or str(error)
        if first is None:
            what = f"none of its {len(names)} pictures can be read ({problem})"
            raise InputError(
                f"{self.name}: {what if names else 'there is no picture in it'}; expected files "
                f"that end in {', '.join(sorted(ENDINGS))}"
            )
        self._format = format = want or shown.format_of(first[1], self.settings, str(first[0]))
        each_s = self.settings.picture_s
        sequence = is_sequence(names)
        if each_s == "auto":
            each_s = 0.0 if sequence else SLIDE_S
        self._stands = max(1, round(each_s * format.rate))
        log.info(
            "a folder of pictures is played", source=self.name, pictures=len(names),
            each_s=round(self._stands / format.rate, 3),
            why="source.picture_s" if self.settings.picture_s != "auto"
            else "numbered like frames" if sequence else "a slide show",
        )  # fmt: skip
        self._kept, self._kept_bytes = {}, 0
        self._now, self._left, self._count = None, 0, 0
        self._coming, self._stop = queue.Queue(_AHEAD), threading.Event()
        self._thread = threading.Thread(
            target=self._decode_ahead, args=(format, longest, self._coming, self._stop),
            name="source-folder", daemon=True,
        )  # fmt: skip
        self._thread.start()
        return format

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``; the feeder holds each until it is due."""
        if self._format is None:
            raise SourceError(f"{self.name}: it is not open")
        cut = False
        if self._left == 0:
            try:
                # While a slide is late, the one before stands.
                late = self.paced and self._now is not None and self._stands > 1
                coming = self._coming.get(not late, timeout)
            except queue.Empty:
                if self._now is None or not self.paced or self._stands == 1:
                    return None
            else:
                if isinstance(coming, Exception):
                    raise coming
                self._now, cut = coming
                cut = cut or self._stands > 1
                self._left = self._stands
        assert self._now is not None
        self._left = max(0, self._left - 1)
        frame = shown.at(self._now, self._count, self._format, cut=cut)
        self._count += 1
        return frame

    def close(self) -> None:
        """See ``Source.close``."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_END_S)
        self._format = self._now = None

    def _names(self) -> list[Path]:
        """The pictures, in order. Raises InputError where the folder cannot be read."""
        try:
            found = [
                path for path in self._folder.iterdir()
                if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
            ]  # fmt: skip
        except OSError as error:
            raise InputError(
                f"{self.name}: the folder cannot be read ({error.strerror}); check path and "
                "permissions (chmod a+rx)"
            ) from error
        if len(found) > _MOST:
            raise InputError(f"{self.name}: it holds more than {_MOST} pictures; split it up")
        return sorted(found, key=lambda path: by_number(path.name))

    def _decoded(self, path: Path, longest: int) -> U8:
        """A picture; logs what is wrong with one, the first time. Raises InputError."""
        try:
            check_file(path, "picture")
            rgb = read_picture(path, longest, "picture")
            if rgb is None:
                raise InputError(f"picture {str(path)!r}: it is none, or an animation")
        except InputError as error:
            if path not in self._told and len(self._told) < 1000:
                self._told.add(path)
                log.warning("a picture is left out", source=self.name, reason=str(error))
            raise
        return rgb

    def _decode_ahead(
        self, format: Format, longest: int, coming: queue.Queue[_Shown | Exception],
        stop: threading.Event,
    ) -> None:  # fmt: skip
        def put(one: _Shown | Exception) -> None:
            while not stop.is_set():
                try:
                    coming.put(one, timeout=0.1)
                    return
                except queue.Full:
                    continue

        try:
            while not stop.is_set():
                for one in self._one_round(format, longest, stop):
                    put(one)
                if not self.settings.loop:
                    put(EndOfStream(f"{self.name}: shown to its end"))
                    return
        except MatteboxError as error:
            put(SourceError(str(error)))
        except Exception as error:  # handed to the reader, who raises it
            put(error)
            raise

    def _one_round(self, format: Format, longest: int, stop: threading.Event) -> Iterator[_Shown]:
        begins = True
        for path in self._names():
            if stop.is_set():
                return
            try:
                frame = self._frame(path, format, longest)
            except (InputError, OSError):
                continue
            yield frame, begins
            begins = False
        if begins and not stop.is_set():
            raise SourceError(f"{self.name}: none of its pictures can be read any more")

    def _frame(self, path: Path, format: Format, longest: int) -> Frame:
        status = path.stat()
        state = status.st_mtime_ns, status.st_size
        kept = self._kept.get(path)
        if kept is not None and kept[0] == state:
            return kept[1]
        frame = shown.shown(self._decoded(path, longest), format)
        size = frame.y.nbytes + frame.uv.nbytes
        if kept is not None or self._kept_bytes + size <= _KEPT_BYTES:
            self._kept_bytes += 0 if kept is not None else size
            self._kept[path] = state, frame
        return frame


def by_number(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts frame10 behind frame9."""
    # At most 18 digits are a number: longer ones take Python long to read.
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", name.lower())
    return tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)


def is_sequence(paths: list[Path]) -> bool:
    """Whether files are the frames of a sequence: numbered from 0 or 1, no gap, and enough."""
    numbers = []
    around = set()
    for path in paths:
        match = re.fullmatch(r"(.*?)([0-9]{1,18})", path.stem)
        if match is None:
            return False
        around.add((match[1], path.suffix))
        numbers.append(int(match[2]))
    first = numbers[0] if numbers else -1
    return (
        len(paths) >= SEQUENCE
        and len(around) == 1
        and first in (0, 1)
        and numbers == list(range(first, first + len(numbers)))
    )
