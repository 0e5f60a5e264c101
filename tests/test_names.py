"""A class's name is its own: who searches for one finds it once."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

# Names that may stand twice, each with its reason. Twins by place, in files ``cpu`` and ``gpu`` of
# one folder or of one name below ``cpu/`` and ``gpu/``, share their names and need none.
TWICE: dict[str, str] = {}


def twins(paths: list[str]) -> bool:
    """Whether these are the two sides of one thing."""
    places = {re.sub(r"\b(cpu|gpu)\b", "*", path) for path in paths}
    return len(paths) == 2 and len(places) == 1


@pytest.fixture(scope="module")
def classes(root: Path) -> dict[str, list[str]]:
    """Public class -> the files of ``appliance/`` and ``export/`` that define it."""
    found = defaultdict(list)
    for room in ("appliance", "export"):
        for path in sorted((root / room).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(path.relative_to(root)))
    return found


def test_no_class_is_defined_twice(classes):
    twice = {name: paths for name, paths in classes.items() if len(paths) > 1 and not twins(paths)}
    assert {name: twice[name] for name in twice.keys() - TWICE.keys()} == {}


def test_each_exception_is_needed(classes):
    assert all(len(classes[name]) > 1 for name in TWICE)
