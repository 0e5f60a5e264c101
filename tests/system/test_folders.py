"""Where state, caches and sockets lie, for every way that Mattebox may have been started."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import appliance
from appliance.system import folders

VARIABLES = (
    "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
)  # fmt: skip


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No variable set but HOME, and the code in a folder that is no checkout."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    package = tmp_path / "site" / "appliance"
    package.mkdir(parents=True)
    monkeypatch.setattr(folders, "PACKAGE", package)
    return package.parent


def test_the_package_is_found_from_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert appliance.__file__ is not None
    assert Path(appliance.__file__).resolve().parent == folders.PACKAGE
    assert folders.checkout() == folders.root() == Path(__file__).resolve().parents[2]


def test_where_it_is_installed_there_is_no_checkout(installed: Path) -> None:
    assert folders.root() == installed
    assert folders.checkout() is None
    (installed / "pyproject.toml").touch()
    assert folders.checkout() == installed


def test_caches_are_the_checkouts_then_the_users(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = Path("/home/me/.cache/mattebox/numba")
    assert list(folders.caches("numba")) == [users]
    (installed / "pyproject.toml").touch()
    assert list(folders.caches("numba")) == [installed / ".cache" / "numba", users]
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert list(folders.caches("kernels"))[1:] == [Path("/cache/mattebox/kernels")]
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/not/allowed")
    assert list(folders.caches("numba"))[1:] == [users]
    monkeypatch.delenv("HOME")
    assert list(folders.caches("numba"))[1:] == []


def test_state_is_the_services_else_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folders.state() == Path("/home/me/.local/share/mattebox")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert folders.state() == Path("/data/mattebox")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")
    assert folders.state() == Path("/var/lib/a")


def test_state_is_somewhere_for_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/not/allowed")
    monkeypatch.setenv("HOME", "")
    assert folders.state() == Path("/var/lib/mattebox")


def test_where_a_socket_lies() -> None:
    assert folders.runtime({"RUNTIME_DIRECTORY": "/run/a:/run/b"}) == Path("/run/a")
    assert folders.runtime({"XDG_RUNTIME_DIR": "/run/user/5"}) == Path("/run/user/5/mattebox")
    nowhere = folders.runtime({})
    assert nowhere.name == f"mattebox-{os.geteuid()}"
    assert nowhere.parent == Path(tempfile.gettempdir())


def test_it_needs_the_standard_library_alone() -> None:
    """It runs at ``import appliance``, before numba is pointed at its cache."""
    subprocess.run([sys.executable, "-I", "-S", str(folders.__file__)], check=True, timeout=30)
