"""A tiny avatar, made once for these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config.settings import SourceSettings
from tests.avatars import make_tiny_avatar
from tests.daemon.sessions.box import avatar_at


@pytest.fixture(scope="session")
def avatars_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of user data in which there is an avatar called anna."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "mattebox" / "avatars" / "anna"
    folder.mkdir(parents=True)
    make_tiny_avatar(folder, size=(320, 240))
    return home


@pytest.fixture
def anna(avatars_home: Path) -> SourceSettings:
    """That avatar as a source."""
    return avatar_at(avatars_home / "mattebox" / "avatars" / "anna")
