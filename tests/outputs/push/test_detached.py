"""What hangs while it is made, and is given up."""

from __future__ import annotations

import threading

import pytest

from appliance.outputs.push.detached import Detached
from tests.outputs.conftest import wait_until


def test_what_is_made_in_time_is_handed_over() -> None:
    ended: list[str] = []
    made = Detached(lambda: "made", ended.append, "test")
    assert made.wait(5)
    assert made.result() == "made"
    assert ended == []
    made.give_up()
    assert ended == ["made"]


def test_what_is_made_too_late_is_ended() -> None:
    go, ended = threading.Event(), list[str]()

    def make() -> str:
        assert go.wait(10)
        return "late"

    late = Detached(make, ended.append, "test")
    assert not late.wait(0.01)
    late.give_up()
    assert ended == []
    assert late.alive
    go.set()
    assert late.wait(5)
    assert ended == ["late"]


def test_what_went_wrong_is_told() -> None:
    def make() -> None:
        raise ValueError("no")

    wrong = Detached(make, lambda _: None, "test")
    wait_until(lambda: not wrong.alive)
    with pytest.raises(ValueError, match="no"):
        wrong.result()
