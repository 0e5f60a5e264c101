"""Settings from the environment and from flags, laid over those of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingABC
from typing import NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from appliance.config.document import parse
from appliance.config.settings import Settings
from appliance.config.tree import Mapping, Mistake, Node, Origin, Scalar, Sequence, join, one_line
from appliance.config.validate import item_of, section_of

PREFIX = "MATTEBOX_"
_MOST_PARTS = 8
_MOST_LABEL = 200


class Override(NamedTuple):
    """One setting from outside the file: dotted key, value as text, and the flag or variable."""

    key: str
    text: str
    label: str = ""


def from_environment(env: MappingABC[str, str]) -> list[Override]:
    """The settings among the variables: MATTEBOX_SOURCE__URI, MATTEBOX_OUTPUTS__0__URI, ….

    A variable with the prefix is a setting when it has a double underscore or is the name of a
    section; MATTEBOX_ANYTHING else is not ours to judge.
    """
    found = []
    for name in sorted(env):
        if not name.startswith(PREFIX):
            continue
        key = name[len(PREFIX) :].lower().replace("__", ".")
        if "." in key or key in Settings.model_fields:
            found.append(Override(key, env[name], name))
    return found


def apply(root: Mapping, overrides: Iterable[Override], defaults: Mapping) -> list[Mistake]:
    """Lay the overrides over ``root``, the later over the earlier; returns what is wrong.

    Sections are merged, everything else is replaced. ``outputs.0.encoder=…`` changes one item of a
    list; one past the end adds an item. ``defaults`` gives the lists that the file leaves out.
    """
    mistakes: list[Mistake] = []
    for override in overrides:
        origin = Origin(one_line(override.label or f"--set {override.key}", _MOST_LABEL))
        parts = override.key.split(".")
        if not all(parts) or len(parts) > _MOST_PARTS:
            mistakes.append(Mistake(origin, "", f"found {override.key!r}; expected key.path=value"))
            continue
        leaf = next((p for p in _prefixes(parts) if _is_single(p)), None)
        if leaf is not None:
            message = f"{'.'.join(leaf)} is a single value, with nothing below it"
            mistakes.append(Mistake(origin, override.key, message))
            continue
        value, wrong = _value(override, parts, origin)
        mistakes.extend(wrong)
        if value is not None:
            _put(root, parts, value, origin, defaults, mistakes)
    return mistakes


def _value(
    override: Override, parts: list[str], origin: Origin
) -> tuple[Node | None, list[Mistake]]:
    """The value as a tree. Words are taken as they stand, unless quoted; the rest is YAML."""
    text = override.text
    field = _find(parts)
    structured = field is None or section_of(field) is not None or item_of(field) is not None
    if not structured and not text.lstrip().startswith(('"', "'", "[", "{")):
        # rtsp://host/a: b #1 is a fine address, whatever YAML would make of it.
        return Scalar(text.strip(), True, origin), []
    node, mistakes = parse(text, origin.label, located=False)
    located = [
        Mistake(m.origin, join(override.key, m.key) if m.key else override.key, m.message)
        for m in mistakes
    ]
    if node is None and not mistakes:
        node = Scalar("", True, origin)
    return node, located


def _prefixes(parts: list[str]) -> Iterator[list[str]]:
    return (parts[:length] for length in range(1, len(parts)))


def _is_single(parts: list[str]) -> bool:
    field = _find(parts)
    return field is not None and section_of(field) is None and item_of(field) is None


def _find(parts: list[str]) -> FieldInfo | None:
    model: type[BaseModel] | None = Settings
    field: FieldInfo | None = None
    for part in parts:
        if field is not None and item_of(field) is not None and part.isdigit() and model is None:
            model = item_of(field)
            field = None
            continue
        field = model.model_fields.get(part) if model is not None else None
        if field is None:
            return None
        model = section_of(field)
    return field


def _put(
    root: Mapping,
    parts: list[str],
    value: Node,
    origin: Origin,
    defaults: Mapping,
    mistakes: list[Mistake],
) -> None:
    here: Node = root
    for depth, part in enumerate(parts):
        path = ".".join(parts[:depth])
        last = depth == len(parts) - 1
        if isinstance(here, Sequence):
            count = len(here.items)
            # No list is as long as four digits, and int() has limits of its own.
            if not (part.isascii() and part.isdigit() and len(part) < 4) or int(part) > count:
                free = f"0 to {count - 1}, or {count} to add one" if count else "0 to add one"
                mistakes.append(Mistake(origin, path, f"found item {part}; expected {free}"))
                return
            if int(part) == count:
                here.items.append(Mapping({}, origin))
            if last:
                here.items[int(part)] = _merged(here.items[int(part)], value)
                return
            here = here.items[int(part)]
        elif isinstance(here, Mapping):
            if last:
                here.items[part] = _merged(here.items.get(part), value)
                here.keys[part] = origin
                return
            inner = here.items.get(part)
            if inner is None or (isinstance(inner, Scalar) and inner.plain and not inner.text):
                inner = defaults.items.get(part) if depth == 0 else None
                inner = inner if isinstance(inner, Sequence) else Mapping({}, origin)
                here.items[part], here.keys[part] = inner, origin
            here = inner
        else:
            # A value where a section should be: that mistake is told when the tree is read.
            return


def _merged(old: Node | None, new: Node) -> Node:
    """``new`` over ``old``: sections key by key, all else replaced."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name, value in new.items.items():
            old.items[name] = _merged(old.items.get(name), value)
            old.keys[name] = new.keys[name]
        return old
    return new
