"""CHANGELOG.md in the form that Debian's tools read: ``python3 scripts/debian_changelog.py …``.

    debian_changelog.py CHANGELOG.md VERSION MAINTAINER SECONDS > changelog

A section ``## [1.2.0] - 2026-11-28`` becomes the entry of that version. What is not released yet
stands under VERSION, the code's own, with the time SECONDS since 1970 (of the last change).
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path

_SECTION = re.compile(r"## \[(?P<version>[^]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?\s*$")
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def convert(text: str, version: str, maintainer: str, changed: datetime) -> str:
    """The changelog, newest entry first, as the text has them.

    Raises:
        ValueError: a section that is no version, a version without its date, or no section.
    """
    entries: list[str] = []
    for section in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        found = _SECTION.match(heading)
        released = bool(found) and found["version"] != "Unreleased"
        if not found or (released and not found["date"]):
            raise ValueError(
                f"CHANGELOG.md: found {heading!r}, expected '## [Unreleased]' or "
                "'## [1.2.0] - 2026-11-28'"
            )
        when = changed
        if released:
            when = datetime.fromisoformat(found["date"]).replace(tzinfo=timezone.utc)
        of = found["version"] if released else version
        lines = "\n".join(_lines(body))
        entries.append(
            f"mattebox ({of}) unstable; urgency=medium\n\n{lines}\n\n"
            f" -- {maintainer}  {format_datetime(when)}\n"
        )
    if not entries:
        raise ValueError("CHANGELOG.md: found no section, expected '## [Unreleased]' at least")
    return "\n".join(entries)


def _lines(body: str) -> Iterator[str]:
    for block in re.split(r"^(?=- |### )", _LINK.sub(r"\1", body), flags=re.MULTILINE):
        head, _, rest = block.partition(" ")
        if head == "###":
            yield f"  [ {rest.strip()} ]"
        elif head == "-":
            yield textwrap.fill(
                " ".join(rest.split()), width=79, initial_indent="  * ", subsequent_indent="    ",
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip


if __name__ == "__main__":
    source, version, maintainer, seconds = sys.argv[1:]
    changed = datetime.fromtimestamp(int(seconds), timezone.utc)
    text = Path(source).read_text(encoding="utf-8")
    print(convert(text, version, maintainer, changed), end="")
