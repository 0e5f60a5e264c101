"""Where compiled kernels are kept: always somewhere, never stale, never an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.system import folders, jit_cache


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    monkeypatch.delenv(jit_cache.VARIABLE, raising=False)


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A package of its own, in a folder that is no checkout."""
    folder = tmp_path / "site" / "appliance"
    (folder / "pixels").mkdir(parents=True)
    (folder / "pixels" / "cpu.py").write_text("A = 1\n")
    monkeypatch.setattr(folders, "PACKAGE", folder)
    return folder


def test_what_the_user_set_stays(monkeypatch, tmp_path):
    monkeypatch.setenv(jit_cache.VARIABLE, str(tmp_path))
    assert jit_cache.use() == tmp_path


def test_in_a_checkout_it_is_in_the_checkout(package, monkeypatch):
    (package.parent / "pyproject.toml").touch()
    folder = jit_cache.use()
    assert folder is not None
    assert folder.parent == package.parent / ".cache" / "numba"
    assert os.environ[jit_cache.VARIABLE] == str(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_elsewhere_it_is_the_users_cache(package, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    folder = jit_cache.use()
    assert folder is not None
    assert folder.parent == tmp_path / "xdg" / "mattebox" / "numba"


def test_without_xdg_it_is_under_home(package, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/not/allowed")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = jit_cache.use()
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "home" / ".cache")


def test_changed_sources_get_another_folder(package):
    before = jit_cache.sources_hash()
    (package / "pixels" / "cpu.py").write_text("A = 2\n")
    assert jit_cache.sources_hash() != before


@pytest.mark.parametrize("base", ["/proc/nothing", "/dev/null"])
def test_where_nothing_can_be_written_it_is_a_folder_for_this_run(package, monkeypatch, base):
    monkeypatch.setenv("XDG_CACHE_HOME", base)
    folder = jit_cache.use()
    assert folder is not None
    assert folder.is_dir()
    assert folder.name.startswith("mattebox-numba-")
    folder.rmdir()


def test_where_not_even_that_it_is_left_to_numba(package, monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nothing")
    monkeypatch.setattr(jit_cache.tempfile, "mkdtemp", full)
    assert jit_cache.use() is None


def test_it_is_set_before_numba_is_imported(tmp_path):
    code = "import appliance, numba; print(numba.config.CACHE_DIR)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert jit_cache.sources_hash() in done.stdout
