"""SubRip (.srt), the captions that players look for beside a film."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.captions.cue import TimedCue, times_of

SUFFIX = ".srt"


def srt(cues: Iterable[TimedCue]) -> str:
    """A whole file, numbered from 1: each cue that has anything to show, in the given order."""
    written = [cue for cue in cues if cue.lines]
    return "".join(srt_cue(cue, number) for number, cue in enumerate(written, 1))


def srt_cue(cue: TimedCue, number: int) -> str:
    """One cue with its blank line behind it; empty where there is nothing to show."""
    lines = cue.lines
    if not lines:
        return ""
    text = "\n".join(map(_harmless, lines))
    return f"{number}\n{times_of(cue.begin_ns, cue.end_ns, ',')}\n{text}\n\n"


def _harmless(line: str) -> str:
    """The format has no escapes: what would be taken for times or for a tag looks like itself."""
    # <i> and {\an8} are read as mark-up by most players; what is said is none.
    return line.replace("-->", "→").replace("<", "＜").replace("{\\", "{＼")
