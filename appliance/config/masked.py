"""A configuration's text with its secrets struck out, and put back into what is made of it.

Whoever may edit the file need not know its passwords. In the masked text ``***`` stands for each of
them; a line that comes back as it was given out has its secret again. It is never put anywhere
else: a line that was changed, or that has come to mean something else where it stands now (part of
a longer text, another key), is a mistake, or a password could be sent to whom the editor pleases.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from appliance.config.secrets import KEYS, references
from appliance.config.tree import join
from appliance.system.redact import HIDDEN, redact

_ASSIGNED = re.compile(
    rf"""^([\s#-]*["']?(?:{"|".join(sorted(KEYS))})["']?\s*:\s+)(\S.*?)(\s+\#.*)?$"""
)
_REWRITE = (
    f"{HIDDEN} stands for a secret of another line; leave that line as it was, or write the "
    "secret itself"
)


@dataclass(frozen=True, slots=True)
class _Value:
    """A scalar: its key with * for a number, its text, its lines from 0, its place in the text."""

    key: str
    text: str
    first: int
    last: int
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class _Struck:
    """A line that was changed: as it is shown, as it is, and the secret values in it."""

    shown: str
    real: str
    values: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Masked:
    """``text`` may be shown; ``restored`` turns what was made of it into a file again."""

    text: str
    _lines: tuple[_Struck, ...] = field(repr=False)

    def restored(self, text: str) -> tuple[str, list[tuple[int, str]]]:
        """``text`` with the secrets in their places, and what is wrong: (line from 1, why) each.

        With mistakes the text is not to be used.
        """
        out: list[str] = []
        mistakes: list[tuple[int, str]] = []
        back: list[tuple[int, int, _Struck]] = []
        lines = text.split("\n")
        often = Counter(line.strip() for line in lines if HIDDEN in line)
        seen: Counter[str] = Counter()
        fitting: dict[str, list[_Struck]] = {}
        for struck in self._lines:
            fitting.setdefault(struck.shown.strip(), []).append(struck)
        line_now = 0
        for number, line in enumerate(lines, 1):
            if HIDDEN not in line:
                out.append(line)
                line_now += 1
                continue
            stripped = line.strip()
            found = _real(fitting.get(stripped, []), often[stripped], seen[stripped])
            seen[stripped] += 1
            if found is None:
                if not _is_comment(line):
                    mistakes.append((number, f"found {HIDDEN}: {_REWRITE}"))
                out.append(line)
                line_now += 1
                continue
            indent = line[: len(line) - len(line.lstrip())]
            real = found.real if "\n" in found.real else indent + found.real.strip()
            back.append((number, line_now, found))
            out.append(real)
            line_now += real.count("\n") + 1
        made = "\n".join(out)
        if back and not mistakes:
            mistakes = list(_misplaced(made, back))
        return made, mistakes


def _real(fitting: list[_Struck], often: int, before: int) -> _Struck | None:
    """Which of the lines that look like one is meant; None when that cannot be said."""
    if len({line.real.strip() for line in fitting}) <= 1:
        return fitting[0] if fitting else None
    # Alike but for their secrets: told apart by their order, if none is missing.
    return fitting[before] if often == len(fitting) else None


def mask(text: str) -> Masked:
    """Strike out every secret of a configuration's ``text``, comments included."""
    values = [value for value in _values(text) if _struck(value) is not None]
    pieces: list[str] = []
    lines: list[_Struck] = []
    at, first = 0, 0
    raw = text.split("\n")
    while first < len(raw):
        last = first
        # Lines that one value spans stay together.
        for value in values:
            if first <= value.first <= last < value.last:
                last = value.last
        real = "\n".join(raw[first : last + 1])
        mine = [value for value in values if at <= value.start < at + len(real)]
        shown = _masked(real, at, mine)
        if shown != real or HIDDEN in real:
            held = frozenset((value.key, value.text) for value in mine)
            lines.append(_Struck(shown, real, held))
        pieces.append(shown)
        at, first = at + len(real) + 1, last + 1
    return Masked("\n".join(pieces), tuple(lines))


def _masked(real: str, at: int, values: list[_Value]) -> str:
    out, done = [], 0
    for value in values:
        out += [real[done : value.start - at], str(_struck(value))]
        done = value.end - at
    shown = "".join([*out, real[done:]])
    return "\n".join(_masked_line(line) for line in shown.split("\n"))


def _masked_line(line: str) -> str:
    # Also what is commented out, and what a file that is no YAML seems to say.
    match = _ASSIGNED.match(line)
    if match is not None and not _may_be_shown(match[2].strip("\"'")):
        line = f"{match[1]}{HIDDEN}{match[3] or ''}"
    return redact(line)


def _struck(value: _Value) -> str | None:
    """What to show of a value; None if it may be shown as it is."""
    if value.key.rpartition(".")[2] in KEYS:
        return None if _may_be_shown(value.text) else HIDDEN
    shown = redact(value.text)
    if shown == value.text:
        return None
    plain = not value.quoted and value.first == value.last
    return shown if plain else json.dumps(shown, ensure_ascii=False)


def _may_be_shown(secret: str) -> bool:
    if secret in ("", "none", HIDDEN):
        return True
    try:
        return references(secret) == [secret]
    except ValueError:
        return False


def _misplaced(made: str, back: list[tuple[int, int, _Struck]]) -> Iterator[tuple[int, str]]:
    """The lines that do not say any more what they said where they came from."""
    begun: dict[int, set[tuple[str, str]]] = {}
    within: set[int] = set()
    for value in _values(made):
        begun.setdefault(value.first, set()).add((value.key, value.text))
        within.update(range(value.first + 1, value.last + 1))
    for number, line, struck in back:
        if line in within or not struck.values <= begun.get(line, set()):
            yield number, f"this line's {HIDDEN} has come to mean something else: {_REWRITE}"
        elif not struck.values and struck.shown != struck.real and not _is_comment(struck.real):
            yield number, f"found {HIDDEN}: {_REWRITE}"


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _values(text: str) -> Iterator[_Value]:
    """Every scalar that is a value, as far as the text can be understood as YAML."""
    # For each open collection: its key, and for a mapping the key whose value is awaited.
    open_: list[tuple[str, bool]] = []
    waiting: list[str | None] = []

    def key_here() -> str:
        path, is_list = open_[-1]
        return join(path, "*") if is_list else join(path, waiting[-1] or "")

    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                path = key_here() if open_ else ""
                if waiting:
                    waiting[-1] = None
                open_.append((path, isinstance(event, yaml.SequenceStartEvent)))
                waiting.append(None)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                open_.pop()
                waiting.pop()
            elif isinstance(event, yaml.ScalarEvent) and open_:
                if not open_[-1][1] and waiting[-1] is None:
                    waiting[-1] = event.value
                    continue
                yield _value(key_here(), event)
                waiting[-1] = None
    except (yaml.YAMLError, RecursionError):
        return


def _value(key: str, event: Any) -> _Value:
    start, end = event.start_mark, event.end_mark
    # A block ends where the next thing begins.
    last = end.line - 1 if end.column == 0 and end.line > start.line else end.line
    stop = end.index - 1 if last < end.line else end.index
    return _Value(key, event.value, start.line, last, start.index, stop, event.style is not None)
