"""A call with a deadline: what it gives, what it raises, and what becomes of one that is late."""

from __future__ import annotations

import threading

import pytest

from appliance.system.deadline import Late, within


def test_what_it_returns_and_raises() -> None:
    assert within(5, lambda: 42, name="quick") == 42
    assert within(5, lambda: None, name="nothing") is None

    def fails() -> int:
        raise OSError("no such camera")

    with pytest.raises(OSError, match="no such camera"):
        within(5, fails, name="failing")


def test_what_comes_too_late_is_undone_and_goes_nowhere() -> None:
    go_on, undone = threading.Event(), threading.Event()
    results: list[str] = []

    def slow() -> str:
        go_on.wait(10)
        return "camera"

    def undo(result: str) -> None:
        results.append(result)
        undone.set()

    with pytest.raises(Late, match=r"open it took longer than 0\.05 s"):
        within(0.05, slow, name="open it", undo=undo)
    assert not results
    go_on.set()
    assert undone.wait(10)
    assert results == ["camera"]


def test_what_fails_too_late_is_nobodys() -> None:
    go_on, gone = threading.Event(), threading.Event()

    def fails() -> None:
        try:
            go_on.wait(10)
            raise OSError("late, too")
        finally:
            gone.set()

    with pytest.raises(Late):
        within(0.05, fails, name="fail", undo=lambda _: pytest.fail("there is nothing to undo"))
    go_on.set()
    assert gone.wait(10)
