"""The status line: rates from totals, plain lines without a terminal."""

from __future__ import annotations

import io

import pytest

from appliance.daemon.counts import Counts, left_out
from appliance.service import status_line
from appliance.service.status_line import StatusLine, sentence

BEFORE = Counts(100, 90, 3, 1_000_000_000, 0, None)


def test_rates_and_totals() -> None:
    now = Counts(160, 120, 5, 1_300_000_000, 2, None)
    line = sentence(BEFORE, now, 2.0)
    flat = " ".join(line.split())
    assert flat == "in 30.0 fps out 15.0 fps 10.0 ms a frame dropped 5 clients 2"


def test_trouble_is_said() -> None:
    now = Counts(160, 90, 5, 1_300_000_000, 0, "no camera")
    assert sentence(BEFORE, now, 2.0).endswith("PLACEHOLDER: no camera")


def test_what_is_left_out_is_said() -> None:
    now = Counts(160, 90, 5, 1_300_000_000, 0, None, "too slow for all of it")
    assert sentence(BEFORE, now, 2.0).endswith("clients 0   too slow for all of it")


def test_dropped_is_put_into_words() -> None:
    words = left_out({"pipeline": 1150, "canvas": 0, "out.mp4": 3})
    assert words == (
        "1,150 passed over for newer ones: normal where the source is faster; "
        "3 at out.mp4, which was behind or not open"
    )
    now = Counts(160, 90, 1153, 1_300_000_000, 0, None, left_out=words)
    assert sentence(BEFORE, now, 2.0).endswith(f"clients 0   dropped: {words}")


class Terminal(io.StringIO):
    """A stream that calls itself one."""

    def isatty(self) -> bool:
        return True


def test_a_conversion_has_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(status_line.time, "monotonic", lambda: moment)

    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    with StatusLine(stream) as line:
        for i in range(3):
            moment = 1000.0 + i
            line.show(Counts(i, i, 0, 0, 0, None, progress=i / 4))
    assert "━" in stream.getvalue()
    assert " 50%" in stream.getvalue()


def test_plain_lines_come_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(status_line.time, "monotonic", lambda: moment)
    stream = io.StringIO()
    with StatusLine(stream) as line:
        assert not line.live
        for i in range(121):
            moment = 1000.0 + i / 4
            line.show(Counts(i, i, 0, 0, 0, None))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert "in   4.0 fps" in lines[0]


def test_a_terminal_gets_one_line_that_refreshes(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(status_line.time, "monotonic", lambda: moment)

    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    with StatusLine(stream) as line:
        assert line.live
        for i in range(5):
            moment += 1
            line.show(Counts(30 * i, 30 * i, 0, 0, 1, None))
    assert "in  30.0 fps" in stream.getvalue()
