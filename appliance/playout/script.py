"""A text to be spoken, with cues for actions in it: "Hello! [action:wave] How are you?"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

from appliance.avatars.avatar import NAME
from appliance.voices.text import says_something

MOST_CHARACTERS = 100_000
"""A text longer than this is refused; it would take two hours to say."""

_CUE = re.compile(r"\[action:([^\[\]\n]{0,80})\]")


class ScriptError(ValueError):
    """A text that cannot be spoken; says why."""


@dataclass(frozen=True, slots=True)
class ActionCue:
    """An action, due when what stands at ``position`` of the text begins to be said."""

    position: int
    action: str


@dataclass(frozen=True, slots=True)
class Script:
    """A text without its cues, and the cues in order."""

    text: str
    cues: tuple[ActionCue, ...] = ()


def parse(text: str, actions: Container[str], known: str = "") -> Script:
    """The script in a text; control characters but line feeds become spaces.

    ``actions``: the names that there are. ``known``: the same, for messages. Raises ScriptError for
    a text that is too long or in which nothing can be said, or an action that there is not.
    """
    if len(text) > MOST_CHARACTERS:
        raise ScriptError(
            f"the text has {len(text):,} characters; expected at most {MOST_CHARACTERS:,}: "
            "send it in parts, which are queued"
        )
    text = "".join(_plain(one) for one in text)
    cues: list[ActionCue] = []
    parts: list[str] = []
    length = at = 0
    for found in _CUE.finditer(text):
        before = text[at : found.start()]
        # A cue between two words leaves one space, not two.
        if before.endswith(" ") and text[found.end() : found.end() + 1] == " ":
            before = before[:-1]
        parts.append(before)
        length += len(before)
        name = found[1].strip()
        if not NAME.fullmatch(name) or name not in actions:
            raise ScriptError(f"[action:{name}]: there is no such action; expected one of: {known}")
        cues.append(ActionCue(length, name))
        at = found.end()
    parts.append(text[at:])
    clean = "".join(parts)
    if not cues and not says_something(clean):
        why = "the text is empty"
        if clean.strip():
            why = f"in the text {clean.strip()[:20]!r} is nothing that can be said"
        raise ScriptError(f"{why}; expected something to say, or [action:NAME]")
    return Script(clean, tuple(cues))


def _plain(character: str) -> str:
    """The character, or a space for what is none: control characters, lone surrogates."""
    if character == "\n":
        return character
    category = unicodedata.category(character)
    # Cf holds the joiners of emoji and of Arabic and Indic scripts.
    return " " if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") else character
