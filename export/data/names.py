"""Lists of names beside the code: one a line."""

from __future__ import annotations

from pathlib import Path


def read_names(path: Path) -> frozenset[str]:
    """The names in a list; lines that begin with `#` are remarks."""
    lines = path.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
