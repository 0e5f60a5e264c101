"""Plain data from YAML that others wrote, read as strictly as the configuration.

Whoever shares a network shares its manifest. A YAML library makes of 500 bytes of aliases a list
that takes gigabytes to look at; here aliases, anchors and tags are mistakes, as are more than a
megabyte, 10,000 values or 16 levels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from appliance.config.document import parse, read_text
from appliance.config.tree import InvalidConfig, Mapping, Node, Scalar

# Knows what plain scalars mean; it has no text of its own, and keeps nothing of what it is asked.
_RESOLVER: Any = yaml.SafeLoader("")
_KNOWN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))


def read_plain(path: Path, cure: str) -> Any:
    """What a YAML file holds, as dictionaries, lists, str, int, float, bool and None.

    ``cure`` says what to do when it cannot be read. Raises InvalidConfig, with each mistake's line.
    """
    tree, mistakes = parse(read_text(path, cure), str(path))
    if mistakes:
        raise InvalidConfig(mistakes)
    return None if tree is None else _value(tree)


def _value(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key: _value(inner) for key, inner in node.items.items()}
    if isinstance(node, Scalar):
        return _scalar(node.text) if node.plain else node.text
    return [_value(inner) for inner in node.items]


def _scalar(text: str) -> Any:
    """A plain scalar as YAML means it; dates, which nothing here needs, stay text."""
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    if tag not in _KNOWN:
        return text
    try:
        return _RESOLVER.construct_object(yaml.ScalarNode(tag, text))
    except (ValueError, yaml.YAMLError):
        return text  # digits beyond what Python turns into a number
