"""Fixtures shared by the tests of export/."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_media(shared: Path) -> Path:
    """The media in the shared folder."""
    return shared / "media"
