"""YAML text to a tree, with every mistake reported by line and column.

Only plain YAML is accepted: mappings, lists and scalars. Tags, anchors and aliases are refused by
name (aliases can turn a kilobyte into a gigabyte). Scalars keep the text as it was written; what it
means depends on the setting it is for, so that ``off`` can be a name or a switch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from appliance.config.secrets import is_secret
from appliance.config.tree import (
    InvalidConfig,
    Mapping,
    Mistake,
    Node,
    Origin,
    Scalar,
    Sequence,
    join,
)
from appliance.system.small_file import NotSmall, read_small

MAX_BYTES = 1_000_000
_MAX_DEPTH = 16
_MAX_NODES = 10_000


def read_text(path: Path, cure: str = "give a readable file with --config") -> str:
    """The text of a configuration file; ``cure`` says what to do when it cannot be read.

    Raises InvalidConfig when it is missing, unreadable, not a regular file (a FIFO would hang us),
    over a megabyte, or not UTF-8.
    """

    def wrong(message: str, line: int = 0, column: int = 0) -> InvalidConfig:
        return InvalidConfig([Mistake(Origin(str(path), line, column), "", message)])

    try:
        data = read_small(path, MAX_BYTES)
    except NotSmall as error:
        raise wrong(f"{error.strerror}; expected a YAML file") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise wrong(f"cannot be read ({reason}); {cure}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        byte = f"0x{data[error.start]:02x}"
        raise wrong(
            f"found the byte {byte}, which is not UTF-8; save the file as UTF-8", line, column
        ) from error


def parse(text: str, label: str, *, located: bool = True) -> tuple[Node | None, list[Mistake]]:
    """The tree of one YAML document, or None when it is empty, and the mistakes found in it.

    ``label`` names the text in messages; with ``located=False`` (a flag, a variable) it appears
    without line and column. A text that is not YAML at all gives (None, one mistake).
    """
    builder = _Builder(text, label, located)
    try:
        return builder.build(), builder.mistakes
    except _Stop:
        return None, builder.mistakes


class _Stop(Exception):
    """Nothing after this mistake can be understood."""


class _Builder:
    def __init__(self, text: str, label: str, located: bool) -> None:
        self._text, self._label, self._located = text, label, located
        self._nodes = 0
        # As YAML counts lines; a form feed, say, ends none.
        self._lines = re.split(r"\r\n|[\r\n\x85\u2028\u2029]", text)
        self.mistakes: list[Mistake] = []

    def build(self) -> Node | None:
        events = self._events()
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._mistake(event, "", "found a second document (---); expected one")
                    return root
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, "", 0)
        # A file of comments alone gives a document with one empty scalar, or no document at all.
        if isinstance(root, Scalar) and root.is_null:
            return None
        return root

    def _events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self._text, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            before = self._text[: error.position]
            line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
            self._at(line, column, "", f"found the control character {_code(error.character)}")
            raise _Stop from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            self._at(line, column, "", _in_words(error, self._text))
            raise _Stop from error

    def _node(self, event: Any, events: Iterator[Any], path: str, depth: int) -> Node:
        self._nodes += 1
        if depth > _MAX_DEPTH:
            self._stop(event, path, f"is nested more than {_MAX_DEPTH} deep")
        if self._nodes > _MAX_NODES:
            self._stop(event, path, f"has more than {_MAX_NODES:,} values")
        if is_secret(path) and (getattr(event, "tag", "!") not in (None, "!") or event.anchor):
            # A password that begins with such a character must be quoted; it is never shown here.
            self._mistake(event, path, "found an alias, anchor or tag; put the value into quotes")
            return Scalar("none", True, self._origin(event))
        if isinstance(event, yaml.AliasEvent):
            self._mistake(event, path, f"found the alias *{event.anchor}; write the value itself")
            return Scalar("", True, self._origin(event))
        if event.anchor is not None:
            self._mistake(
                event, path, f"found the anchor &{event.anchor}; anchors are not used here"
            )
        if event.tag not in (None, "!"):
            self._mistake(event, path, f"found the tag {event.tag}; write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None
            comment = self._comment(event) if plain else ""
            return Scalar(event.value, plain, self._origin(event), comment)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            for item in events:
                if isinstance(item, yaml.SequenceEndEvent):
                    break
                items.append(self._node(item, events, join(path, len(items)), depth + 1))
            return Sequence(items, self._origin(event))
        return self._mapping(event, events, path, depth)

    def _mapping(self, event: Any, events: Iterator[Any], path: str, depth: int) -> Mapping:
        mapping = Mapping({}, self._origin(event))
        for key_event in events:
            if isinstance(key_event, yaml.MappingEndEvent):
                break
            key = self._node(key_event, events, path, depth + 1)
            name = key.text if isinstance(key, Scalar) else ""
            inner = join(path, name)
            value = self._node(next(events), events, inner, depth + 1)
            if not isinstance(key, Scalar) or name == "":
                self._mistake(key_event, path, f"found {key.shown()} as a key; expected a name")
            elif name == "<<" and key.plain:
                self._mistake(
                    key_event, path, "found the merge key <<; write the values themselves"
                )
            elif name in mapping.items:
                first = mapping.keys[name].line
                where = f"; the first is in line {first}" if first else ""
                self._mistake(key_event, inner, f"found a second time{where}; keep one of them")
            else:
                mapping.items[name], mapping.keys[name] = value, self._origin(key_event)
        return mapping

    def _comment(self, event: Any) -> str:
        """The comment behind a plain scalar, from the # on; "" for none."""
        mark = event.end_mark
        lines = self._lines
        rest = lines[mark.line][mark.column :].strip() if mark.line < len(lines) else ""
        return rest if rest.startswith("#") else ""

    def _origin(self, event: Any) -> Origin:
        if not self._located:
            return Origin(self._label)
        return Origin(self._label, event.start_mark.line + 1, event.start_mark.column + 1)

    def _at(self, line: int, column: int, path: str, message: str) -> None:
        origin = Origin(self._label, line, column) if self._located else Origin(self._label)
        self.mistakes.append(Mistake(origin, path, message))

    def _mistake(self, event: Any, path: str, message: str) -> None:
        self._at(event.start_mark.line + 1, event.start_mark.column + 1, path, message)

    def _stop(self, event: Any, path: str, message: str) -> NoReturn:
        self._mistake(event, path, message)
        raise _Stop


def _code(character: str | int) -> str:
    return f"U+{ord(character) if isinstance(character, str) else character:04X}"


def _in_words(error: yaml.MarkedYAMLError, text: str) -> str:
    """What the YAML parser stumbled over, and the usual cure."""
    problem = error.problem or error.context or "cannot be understood"
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line[: mark.column + 1 if mark else 0] or r"'\t'" in problem:
        return "found a tab; YAML is indented with spaces"
    cures = {
        "mapping values are not allowed here": "a ': ' within a value needs quotes around the "
        "value; else the indentation is off",
        "could not find expected ':'": "each line is 'key: value', with a space after the colon",
        "expected <block end>": "the indentation does not match the lines above",
        "while scanning a quoted scalar": "a quote is not closed",
        "while parsing a flow": "a bracket is not closed",
        "cannot start any token": "put quotes around the value",
        "expected alphabetic or numeric character": "put quotes around a value that begins with "
        "* or &",
    }
    whole = f"{error.context or ''} {problem}"
    cure = next((cure for sign, cure in cures.items() if sign in whole), "check the syntax here")
    return f"not YAML: {problem}; {cure}"
