"""Reads the videos that an avatar is made of: pictures at a rate, and the sound beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, SourceError
from appliance.media.audio import I16, RATE, AudioBlock, silence
from appliance.media.clock import NO_TIME
from appliance.media.frame import Format, Frame
from appliance.sources.file import FileSource

_SECOND = 1_000_000_000
_PICTURE_S = 20.0
# Beyond the last picture of a cut, its sound may still be on its way.
_SOUND_AFTER_NS = _SECOND
_USUAL = tuple(
    [(n, 1) for n in (10, 12, 15, 24, 25, 30, 48, 50, 60, 120)]
    + [(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]
)


@dataclass(frozen=True, slots=True)
class Footage:
    """What one video is.

    Attributes:
        format: its own size, rate and colour; the rate is the usual one next to it, if near.
        times: when each picture is shown, nanoseconds from the first, rising.
        end: when the last one ends. promised: the length that the file claims; 0: none.
        sounding: whether it has sound.
    """

    format: Format
    times: tuple[int, ...]
    end: int
    promised: int = 0
    sounding: bool = False

    @property
    def missing(self) -> int:
        """Nanoseconds that the file claims, and has no pictures for; 0 for less than a second."""
        gap = self.promised - self.end
        return gap if gap > _SECOND else 0


def look_through(path: Path, tick: Callable[[float, float | None], None]) -> Footage:
    """Read a video once. Raises InputError or SourceError when that cannot be done."""
    source = _source(path)
    with closing(source):
        format = source.open(None)
        format = Format(format.width, format.height, usual_rate(format.fps), format.colour)
        length = source.length_s
        times: list[int] = []
        period = _SECOND * format.fps[1] // format.fps[0]
        first, last, duration = 0, -period, 0
        for frame in _frames(source):
            if not times and frame.pts != NO_TIME:
                first = frame.pts
            at = last + period if frame.pts == NO_TIME else frame.pts - first
            # Times that repeat or go back come of bad files: pictures then follow at the rate.
            at = at if at > last else last + period
            times.append(at)
            last, duration = at, frame.duration
            source.sounds()
            tick(at / _SECOND, length)
        sounding = source.has_sound
    end = last + (duration if 0 < duration <= 4 * period else period)
    return Footage(format, tuple(times), end, round((length or 0) * _SECOND), sounding)


def usual_rate(fps: tuple[int, int]) -> tuple[int, int]:
    """The usual rate next to one that a file claims, if it is within 1 in 2000; else as it is."""
    for usual in _USUAL:
        if abs(fps[0] * usual[1] / (fps[1] * usual[0]) - 1) < 1 / 2000:
            return usual
    return fps


def chosen(footage: Footage, begin: int, end: int, fps: tuple[int, int]) -> list[int]:
    """Which picture to show at each tick of a rate, for a part of a video, in nanoseconds.

    The nearest one by time; the first is always the part's first picture, and the last its last.
    Empty where the part has no picture.
    """
    times = np.asarray(footage.times, np.int64)
    # A picture belongs to the part in which it begins, but for rounding.
    within = np.flatnonzero((times >= begin - 1_000_000) & (times < end - 1_000_000))
    if within.size == 0:
        return []
    first, last = int(within[0]), int(within[-1])
    stop = min(end, int(times[last + 1]) if last + 1 < len(times) else footage.end)
    count = max(1, round((stop - int(times[first])) * fps[0] / (fps[1] * _SECOND)))
    ticks = times[first] + np.arange(count, dtype=np.int64) * _SECOND * fps[1] // fps[0]
    after = np.clip(np.searchsorted(times, ticks), first + 1, last) if last > first else None
    if after is None:
        return [first] * count
    nearer = ticks - times[after - 1] < times[after] - ticks
    found = np.where(nearer, after - 1, after)
    found[0], found[-1] = first, last
    return [first] if count == 1 else [int(index) for index in found]


class FootagePart:
    """The pictures of one part of a video, conformed, and the sound that goes with them."""

    def __init__(self, path: Path, footage: Footage, format: Format, wanted: Sequence[int]) -> None:
        """``format``: what pictures are brought to. ``wanted``: which, by ``chosen``."""
        self._path, self._footage, self._format = path, footage, format
        self._wanted = wanted
        self._sound: I16 | None = None
        self._begins = footage.times[wanted[0]]

    def pictures(self, samples: int) -> Iterator[tuple[Frame, int]]:
        """Each different picture, and how many ticks it is shown; valid until the next.

        ``samples``: how many of its sound are gathered; 0: none.

        Raises InputError or SourceError.
        """
        self._sound = silence(samples) if samples else None
        wanted = self._wanted
        at = 0
        source = _source(self._path, sound=bool(samples))
        with closing(source):
            source.open(self._format)
            first: int | None = None
            for index, frame in enumerate(_frames(source)):
                if first is None:
                    first = 0 if frame.pts == NO_TIME else frame.pts
                self._gather(source.sounds(), first)
                count = 0
                while at < len(wanted) and wanted[at] == index:
                    at, count = at + 1, count + 1
                if count:
                    yield frame, count
                rest = self._footage.times[min(index, len(self._footage.times) - 1)]
                done = rest > self._footage.times[wanted[-1]] + _SOUND_AFTER_NS
                if at == len(wanted) and (not samples or done or not source.more_sound):
                    break
            self._gather(source.sounds(), first or 0)
        if at < len(wanted):
            raise SourceError(
                f"{self._path}: {at} of {len(wanted)} pictures were read; was the file changed "
                "meanwhile? Make the avatar again"
            )

    @property
    def sound(self) -> I16 | None:
        """The sound of the part, once its pictures have been read; None: not asked for."""
        return self._sound

    def _gather(self, blocks: list[AudioBlock], first: int) -> None:
        """Put each block where its time says: a gap stays silent."""
        if self._sound is None:
            return
        for block in blocks:
            pts = 0 if block.pts == NO_TIME else block.pts
            at = round((pts - first - self._begins) * RATE / _SECOND)
            begin, end = max(0, at), min(len(self._sound), at + len(block.samples))
            if begin < end:
                self._sound[begin:end] = block.samples[begin - at : end - at]


def _source(path: Path, *, sound: bool = True) -> FileSource:
    asked = {"uri": str(path), "pace": "fast", "loop": False, "sound": "auto" if sound else "none"}
    return FileSource(SourceSettings.model_validate(asked), path, use="clip")


def _frames(source: FileSource) -> Iterator[Frame]:
    while True:
        try:
            frame = source.read(_PICTURE_S)
        except EndOfStream:
            return
        if frame is None:
            raise SourceError(
                f"{source.name}: no picture within {_PICTURE_S:g} s; check it with ffprobe"
            )
        yield frame
