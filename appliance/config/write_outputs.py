"""Adds an output to the configuration file's list, or takes one out, comments kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ruamel.yaml.error import YAMLError

from appliance.config.write_back import NotKept, Value, comments_of, shown, values_of, with_tree


def with_output(
    text: str, item: Mapping[str, Value], defaults: Sequence[Mapping[str, Value]]
) -> str:
    """The YAML ``text`` with one output more; ``defaults``: those it has while it lists none.

    Raises NotKept when that is impossible without changing something else in it.
    """

    def add(root: Any) -> None:
        if root.get("outputs") is None:
            root["outputs"] = [dict(one) for one in defaults]
        root["outputs"].append(dict(item))

    items = _items(text) or [{k: shown(v) for k, v in one.items()} for one in defaults]
    return _checked(text, add, [*items, {key: shown(value) for key, value in item.items()}])


def without_output(text: str, index: int) -> str:
    """The YAML ``text`` without the output at ``index`` of its list. Raises NotKept."""
    items = _items(text)
    if not 0 <= index < len(items):
        raise NotKept(f"the file has no output {index}; it was saved by somebody else just now")

    def remove(root: Any) -> None:
        del root["outputs"][index]

    return _checked(text, remove, items[:index] + items[index + 1 :], gone=index)


def _items(text: str) -> list[dict[str, str]]:
    """The outputs as written, each as key -> value."""
    found: dict[int, dict[str, str]] = {}
    for key, value in values_of(text).items():
        section, _, rest = key.partition(".")
        number, _, name = rest.partition(".")
        if section == "outputs" and number.isdigit():
            found.setdefault(int(number), {})[name] = value
    return [found[number] for number in sorted(found)]


def _checked(
    text: str,
    change: Callable[[Any], None],
    items: Sequence[Mapping[str, str]],
    gone: int | None = None,
) -> str:
    try:
        result = with_tree(text, change)
    except (YAMLError, TypeError, AttributeError, ValueError, LookupError) as error:
        raise NotKept(f"the file cannot be changed: {' '.join(str(error).split())}") from error
    rest = {k: v for k, v in values_of(text).items() if not k.startswith("outputs.")}
    others = {k: v for k, v in values_of(result).items() if not k.startswith("outputs.")}
    if others != rest or _items(result) != list(items):
        raise NotKept("the file cannot be changed without changing other values in it")
    lost = [line for line in comments_of(text) if line not in result]
    if lost:
        what = "without losing" if gone is None else "without losing, beside the output,"
        raise NotKept(f"the file cannot be changed {what} the comment {lost[0]!r}")
    return result
