"""A text on its way to a voice: what can be said of it, its sentences, its words.

Everything keeps positions: what is left out becomes blanks, so that a mark's place in what was
spoken is its place in what was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MOST = 200
"""Characters said at a time: a longer sentence is cut at a comma, or at a blank."""
FIRST = 90
"""Of the first piece, so that it is soon there: cut at a comma if it has one."""
LEAST = 15
"""A cut at a comma leaves at least so many characters on either side."""

_JOINERS = "\u200c\u200d"
_ARROWS = 0x2190
"""From here on symbols are pictures, except those of the East Asian blocks."""
_ASIAN = range(0x3000, 0x10000)

_END = re.compile(
    "[.!?\u2026]+[\"'\u201d\u2019)\\]]*(?=\\s|$)"  # Latin, Greek, Cyrillic: and a blank
    "|[\u3002\uff01\uff1f\uff61\u061f\u06d4\u0964\u0965\u1362\u104b\u0589]+[\u300d\u300f\u201d\u2019\"')]*"
    "|\\n+"
)
_CLAUSE = re.compile(
    "[,;:\u2014\u2013\u061b\u060c)][\"'\u201d\u2019]?\\s|[\u3001\uff0c\uff1b\uff1a]"
)
_ABBREVIATIONS = (
    "mr mrs ms dr prof st mt ft gen gov sen rep capt lt col sgt rev hon pres maj adm fr no nos vs "
    "etc approx vol fig ch pp ed jan feb mar apr jun jul aug sep sept oct nov dec hr bzw z.b nr "
    "e.g i.e u.s cf al"
)
_BEFORE_A_NAME = frozenset(_ABBREVIATIONS.split())
_APART = re.compile("[\\s\u2014\u2013\u2026/\\\\|_=<>]+|\\.{2,}")
_GLUE = frozenset("%\u2030\u00b0#@&+")


def speakable(text: str) -> str:
    """The text with blanks for what nobody says: emoji, other pictures, control characters.

    It has the same length. Line breaks stay.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_sayable, text))


def _sayable(char: str) -> str:
    category = unicodedata.category(char)
    if char == "\n" or char in _JOINERS:
        return char
    if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp"):
        return "\n" if category in ("Zl", "Zp") else " "
    if category == "Cf":
        return char if char == "\u00ad" else " "
    code = ord(char)
    picture = category == "So" and code >= _ARROWS and code not in _ASIAN
    tone_of_skin = 0x1F3FB <= code <= 0x1F3FF
    selector = 0xFE00 <= code <= 0xFE0F or code == 0x20E3
    return " " if picture or tone_of_skin or selector else char


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(map(str.isalnum, text))


def pieces(text: str, most: int = MOST, first: int = FIRST) -> Iterator[tuple[int, int]]:
    """Sentences, as begin and end in the text; those longer than ``most`` in parts.

    Pieces in which there is nothing to say are left out. Looks at ``most`` characters at a time,
    so a text of any length costs time in proportion and no memory.
    """
    start, limit = 0, first
    while start < len(text):
        stop = start + most
        end = _sentence_end(text, start, stop)
        if end is None:
            end = _clause(text, start, stop, limit) or _blank(text, start, stop)
        elif end - start > limit:
            end = _clause(text, start, end, limit) or end
        begin, until = start, min(end, len(text))
        while begin < until and text[begin].isspace():
            begin += 1
        while until > begin and text[until - 1].isspace():
            until -= 1
        if says_something(text[begin:until]):
            yield begin, until
            limit = most
        start = end


def _sentence_end(text: str, start: int, stop: int) -> int | None:
    """Where the sentence that begins at ``start`` ends; None if not before ``stop``."""
    for match in _END.finditer(text, start, min(stop + 1, len(text))):
        if match.end() > stop:
            return None
        if match[0] == "." and not _ends(text, start, match.start()):
            continue
        return match.end()
    return len(text) if len(text) <= stop else None


def _ends(text: str, start: int, point: int) -> bool:
    """Whether the point there ends a sentence, and not an abbreviation or an initial."""
    following = text[point + 1 : point + 12].lstrip()[:1]
    if following.islower():
        return False
    word = re.split(r"[\s(\"']", text[max(start, point - 12) : point])[-1]
    if word.casefold() in _BEFORE_A_NAME:
        return not following
    return not (len(word) == 1 and word.isupper() and word != "I" and following)


def _clause(text: str, start: int, stop: int, limit: int) -> int | None:
    """Behind the last comma within ``limit``, or the first after it; None if there is none."""
    found = None
    for match in _CLAUSE.finditer(text, start + LEAST, min(stop - LEAST, len(text))):
        if found is not None and match.end() - start > limit:
            break
        found = match.end()
    return found


def _blank(text: str, start: int, stop: int) -> int:
    """Behind the last blank; where there is none, in the middle of what is no word anyway."""
    blank = text.rfind(" ", start + 1, stop)
    return blank + 1 if blank > start else stop


def words(text: str) -> list[tuple[int, int]]:
    """Words as written, as begin and end: without the punctuation around them.

    What stands for a word of its own stays with it ("$3.20", "20 %" in one), and each sign of
    Chinese or Japanese is a word.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for gap in [*_APART.finditer(text), None]:
        end = gap.start() if gap else len(text)
        found += _within(text, start, end)
        start = gap.end() if gap else end
    return found


def _within(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The words of a run without blanks."""
    at = start
    for i in range(start, end):
        if _is_sign(text[i]):
            yield from _trimmed(text, at, i)
            yield i, i + 1
            at = i + 1
    yield from _trimmed(text, at, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and not _belongs(text[start]):
        start += 1
    while end > start and not _belongs(text[end - 1]):
        end -= 1
    if "." in text[start:end] and text[end : end + 1] == "." and text[end - 1].isalpha():
        end += 1  # "U.S.", "e.g."
    if says_something(text[start:end]):
        yield start, end


def _belongs(char: str) -> bool:
    return char.isalnum() or char in _GLUE or unicodedata.category(char) in ("Sc", "Mn", "Mc")


def _is_sign(char: str) -> bool:
    """Whether it is a Han or kana sign."""
    return (
        "\u3040" <= char <= "\u30ff"
        or "\u3400" <= char <= "\u9fff"
        or "\U00020000" <= char <= "\U0003ffff"
    )
