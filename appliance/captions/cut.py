"""A text cut into cues: at sentences, at phrases, at spaces, and never within a character."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.captions.words import clusters, columns_of

MOST_COLUMNS = 80
"""Two lines of Latin letters at the usual size; Chinese, Japanese and Korean take two each."""

_SENTENCE = frozenset(".!?…。！？｡؟۔।॥‼⁇⁈⁉")
# Those that end a sentence without a space behind them.
_WITHOUT_SPACE = frozenset("。！？｡…")
_PHRASE = frozenset(",;:،؛，、；：–—")
_PHRASE_WITHOUT_SPACE = frozenset("，、；：")
_CLOSING = frozenset("\"'”’)]}»›」』）】〉》")
_OPENING = frozenset("([{«‹「『（【〈《“‘¿¡„")
# In Greek the semicolon asks.
_ASKS = {"el": ";\u037e"}
# How much better a place is, against lying in the middle of what is left.
_SENTENCE_END, _PHRASE_END, _SPACE, _ANYWHERE = 1.0, 0.6, 0.35, 0.0


@dataclass(frozen=True, slots=True)
class CutCue:
    """A part of a text: what one cue shows.

    Attributes:
        text: the part without spaces around it. start, length: where it lies in the whole text, in
            characters of Python's; ``whole[start : start + length]`` is ``text``.
    """

    text: str
    start: int
    length: int


def cut(text: str, language: str = "", most: int = MOST_COLUMNS) -> list[CutCue]:
    """Cut a text into cues of at most ``most`` columns; all but spaces is in one of them, in order.

    A line's end always cuts. Otherwise cues are about equally long, and end where a sentence does,
    else a phrase, else a word; within a word only if it is longer than a cue. Chinese and Japanese,
    which have no spaces, are cut between any two characters, but no cue begins with a closing
    mark.

    Args:
        language: a BCP 47 tag, or empty.
        most: the longest cue, in columns (``columns_of``); one character may be wider.

    Raises:
        ValueError: ``most`` is below 1.
    """
    if most < 1:
        raise ValueError(f"cues of at most {most} columns: expected at least 1")
    asks = _ASKS.get(language.partition("-")[0].lower(), "")
    found: list[CutCue] = []
    start = 0
    for line in text.splitlines(keepends=True):
        _cut_line(text, start, start + len(line), asks, most, found)
        start += len(line)
    return found


def _cut_line(text: str, start: int, end: int, asks: str, most: int, found: list[CutCue]) -> None:
    line = text[start:end]
    ends = list(clusters(line))
    # Columns up to each cluster's end.
    widths, total, before = [], 0, 0
    for at in ends:
        total += max(map(columns_of, line[before:at]))
        widths.append(total)
        before = at
    first, done = 0, 0
    while first < len(ends):
        begin = ends[first - 1] if first else 0
        if line[begin : ends[first]].isspace():
            done = widths[first]
            first += 1
            continue
        last = _last(line, ends, widths, first, done, asks, most)
        part = line[begin : ends[last]].rstrip()
        found.append(CutCue(part, start + begin, len(part)))
        first, done = last + 1, widths[last]


def _last(
    line: str, ends: list[int], widths: list[int], first: int, done: int, asks: str, most: int
) -> int:
    """The last cluster of the cue that begins with cluster ``first``, ``done`` columns in."""
    left = widths[-1] - done
    if left <= most:
        return len(ends) - 1
    ideal = left / -(-left // most)
    best, chosen, fits = -9.0, -1, first
    for index in range(first, len(ends) - 1):
        width = widths[index] - done
        if width > most:
            break
        fits = index
        worth = _worth(line, ends, index, asks)
        if worth is None:
            continue
        score = worth - abs(width - ideal) / most
        if score >= best:
            best, chosen = score, index
    return fits if chosen < 0 else chosen


def _worth(line: str, ends: list[int], index: int, asks: str) -> float | None:
    """How good a cue's end is after this cluster; None: not at all."""
    at = ends[index]
    here, after = line[at - 1], line[at]
    if here.isspace():
        # Judged where the space begins.
        return None
    if after in _SENTENCE or after in _PHRASE or after in _CLOSING or here in _OPENING:
        return None
    spaced = after.isspace()
    if spaced and _begins_with_a_mark(line, at):
        # French sets a space before its marks.
        return None
    behind = at - 1
    while behind > 0 and line[behind] in _CLOSING:
        behind -= 1
    mark = line[behind]
    if mark in asks and spaced:
        return _SENTENCE_END
    if mark in _SENTENCE and (spaced or mark in _WITHOUT_SPACE):
        return _SPACE if mark == "." and _abbreviated(line, behind) else _SENTENCE_END
    if mark in _PHRASE and (spaced or mark in _PHRASE_WITHOUT_SPACE):
        return _PHRASE_END
    if spaced:
        return _SPACE
    # Between two characters of a script without spaces; else only where nothing else is left.
    return _ANYWHERE if columns_of(here) == columns_of(after) == 2 else _ANYWHERE - 4.0


def _begins_with_a_mark(line: str, at: int) -> bool:
    rest = line[at : at + 8].lstrip()
    return bool(rest) and (rest[0] in _SENTENCE or rest[0] in _PHRASE or rest[0] in "»›")


def _abbreviated(line: str, dot: int) -> bool:
    """Whether a full stop is that of "Dr." or of an initial, as far as one can see."""
    begin = dot
    while begin > 0 and line[begin - 1].isalpha():
        begin -= 1
    word = line[begin:dot]
    short = len(word) <= 3 and word[:1].isupper() and not word.isupper()
    return short or len(word) == 1
