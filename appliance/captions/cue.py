"""A cue with its times, and times as WebVTT and SubRip write them."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.captions.words import plain_text


@dataclass(frozen=True, slots=True)
class TimedCue:
    """What is said from ``begin_ns`` until ``end_ns``, nanoseconds of any one time line.

    Attributes:
        text: as it was given. number: the cue's own, from 1; 0: it has none. language: a BCP 47 tag
            or empty.
    """

    begin_ns: int
    end_ns: int
    text: str
    number: int = 0
    language: str = ""

    @property
    def lines(self) -> list[str]:
        """The text as it may be written: no line is empty; no lines where nothing can be seen."""
        text = plain_text(self.text)
        return text.split("\n") if text else []


def clock_of(ns: int, decimal: str) -> str:
    """``HH:MM:SS.mmm``, rounded to the nearest millisecond; never below 0.

    ``decimal`` stands before the milliseconds: a point in WebVTT, a comma in SubRip.
    """
    ms = max(0, (ns + 500_000) // 1_000_000)
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{decimal}{ms:03d}"


def times_of(begin_ns: int, end_ns: int, decimal: str) -> str:
    """The line with both times; the end is a millisecond after the beginning at least."""
    end = max(end_ns, begin_ns + 1_000_000)
    return f"{clock_of(begin_ns, decimal)} --> {clock_of(end, decimal)}"
