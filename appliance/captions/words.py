"""What of a text can be shown and written: bounded, without what no reader can see."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MOST_CHARACTERS = 2_000
"""More of one cue than this is never looked at: minutes of speech."""

_ELLIPSIS = "…"
_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
_UNBREAKABLE = "\u00a0\u2007\u202f"
_JOINER = 0x200D
# Marks that a cluster is never begun with, besides the combining ones (UAX #29, Extend).
_EXTENDING = frozenset((0x200C, _JOINER, *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)))
_FLAGS = range(0x1F1E6, 0x1F200)
_HANGUL_LEADING, _HANGUL_REST = range(0x1100, 0x1160), range(0x1160, 0x1200)
_HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)


def plain_text(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text as it may be drawn and written: at most ``most`` characters, then an ellipsis.

    Control characters and lone surrogates are gone; runs of spaces are one, and so are runs of line
    ends. Marks of direction, joiners and selectors stay. Empty where nothing that can be seen is
    left.
    """
    # Bounded before anything is done with it.
    more = len(text) > most
    kept: list[str] = []
    for character in text[:most]:
        if character in _LINE_ENDS:
            kept.append("\n")
        elif character.isspace():
            kept.append(character if character in _UNBREAKABLE else " ")
        elif unicodedata.category(character) not in ("Cc", "Cs") and not _no_character(character):
            kept.append(character)
    lines = (re.sub(" +", " ", line).strip() for line in "".join(kept).split("\n"))
    joined = "\n".join(line for line in lines if line)
    if not any(map(_visible, joined)):
        return ""
    if more:
        ends = list(clusters(joined))
        return joined[: ends[-2] if len(ends) > 1 else ends[-1]].rstrip() + _ELLIPSIS
    return joined


def _no_character(character: str) -> bool:
    """Of the 66 code points that are none, and never will be."""
    code = ord(character)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code < 0xFDF0


def _visible(character: str) -> bool:
    # Unassigned: an emoji may be newer than this Python.
    category = unicodedata.category(character)
    return category[0] in "LNPS" or category == "Cn"


def clusters(text: str) -> Iterator[int]:
    """Where each character, as a reader counts them, ends: indices into ``text``, rising.

    Extended grapheme clusters (UAX #29) as far as speech and chat use them: combining marks, emoji
    sequences, flags, Hangul; CR LF. Nothing is given for an empty text.
    """
    flags = 0
    for index in range(1, len(text)):
        before, here = ord(text[index - 1]), ord(text[index])
        flags = flags + 1 if before in _FLAGS else 0
        if here < 0x300 and before < 0x300:
            if not (before == 0x0D and here == 0x0A):
                yield index
        elif not _joined(before, here, text, index, flags):
            yield index
    if text:
        yield len(text)


def _joined(before: int, here: int, text: str, index: int, flags: int) -> bool:
    if before in (0x0A, 0x0D) or here in (0x0A, 0x0D):
        return False
    if here in _EXTENDING or unicodedata.category(text[index])[0] == "M":
        return True
    if before == _JOINER:
        # Of an emoji sequence: what is joined is a symbol.
        return unicodedata.category(text[index]) in ("So", "Sm", "Po") or here >= 0x1F000
    if here in _FLAGS and before in _FLAGS:
        return flags % 2 == 1
    if here in _HANGUL_REST:
        return before in _HANGUL_LEADING or before in _HANGUL_REST or before in _HANGUL_SYLLABLES
    return here in _HANGUL_LEADING and before in _HANGUL_LEADING


def columns_of(character: str) -> int:
    """How wide a character is, in columns of a Latin letter: 0, 1 or 2 (UAX #11)."""
    if character < "\u0300":
        return 1
    if ord(character) in _EXTENDING or unicodedata.category(character)[0] == "M":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
