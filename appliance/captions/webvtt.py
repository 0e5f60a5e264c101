"""WebVTT, the captions of browsers (W3C, "WebVTT: The Web Video Text Tracks Format")."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.captions.cue import TimedCue, times_of

HEADER = "WEBVTT\n\n"
TYPE = "text/vtt; charset=utf-8"
"""The media type."""


def webvtt(cues: Iterable[TimedCue]) -> str:
    """A whole file: the header, and each cue that has anything to show, in the given order."""
    return HEADER + "".join(map(vtt_cue, cues))


def vtt_cue(cue: TimedCue) -> str:
    """One cue with its blank line behind it; empty where there is nothing to show."""
    lines = cue.lines
    if not lines:
        return ""
    number = f"{cue.number}\n" if cue.number else ""
    text = "\n".join(map(_escaped, lines))
    return f"{number}{times_of(cue.begin_ns, cue.end_ns, '.')}\n{text}\n\n"


def _escaped(line: str) -> str:
    # An arrow would be taken for a cue's times; with its > escaped it is none.
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
