"""CHANGELOG.md in Debian's form."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from scripts.debian_changelog import convert

WHEN = datetime(2026, 11, 28, 12, 0, tzinfo=timezone.utc)
TEXT = """\
# Changelog

Of no concern.

## [Unreleased]

### Added

- One thing, told in words that go on and on and on, so that the line has to be broken
  somewhere ([how](docs/how.md)).

## [0.9.0] - 2026-10-01

### Fixed

- Another.
"""
CONVERTED = """\
mattebox (1.0.0) unstable; urgency=medium

  [ Added ]
  * One thing, told in words that go on and on and on, so that the line has to
    be broken somewhere (how).

 -- Me <me@example.org>  Sat, 28 Nov 2026 12:00:00 +0000

mattebox (0.9.0) unstable; urgency=medium

  [ Fixed ]
  * Another.

 -- Me <me@example.org>  Thu, 01 Oct 2026 00:00:00 +0000
"""


def test_each_section_is_an_entry() -> None:
    assert convert(TEXT, "1.0.0", "Me <me@example.org>", WHEN) == CONVERTED


@pytest.mark.parametrize("section", ["## 1.2", "## [1.2.0]", "## [1.2.0] - yesterday"])
def test_a_section_that_is_no_version_is_refused(section: str) -> None:
    with pytest.raises(ValueError, match=r"expected '## \[Unreleased\]' or"):
        convert(f"# Changelog\n\n{section}\n\n- a\n", "1", "me", WHEN)


def test_no_section_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="found no section"):
        convert("# Changelog\n", "1", "me", WHEN)
