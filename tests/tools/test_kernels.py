"""Compiling ahead: once, said, and not for nothing."""

from __future__ import annotations

import pytest

from appliance.system import jit_cache
from appliance.tools import kernels


class Kept:
    """A kernel that was compiled before."""

    def load(self) -> bool:
        return True


def test_where_all_are_kept_nothing_is_done_or_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernels, "every_kernel", lambda: {"one": Kept()})
    assert kernels.main() == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("folder", [None, "/tmp/mattebox-numba-x1"])
def test_where_they_would_be_thrown_away_none_is_compiled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str | None
) -> None:
    monkeypatch.delenv(jit_cache.VARIABLE)
    if folder is not None:
        monkeypatch.setenv(jit_cache.VARIABLE, folder)
    monkeypatch.setattr(kernels, "compile_missing", lambda: pytest.fail("for nothing"))
    assert kernels.main() == 0
    assert "each start will compile its own" in capsys.readouterr().err
