"""The log of events: bounded, and unharmed by those who listen."""

from __future__ import annotations

from appliance.playout import events
from appliance.playout.events import EventLog


def test_who_is_too_slow_sees_it_by_a_gap() -> None:
    log = EventLog()
    for tick in range(events._KEPT + 10):
        log.add("word", 1, tick, 0.0, word="a")
    assert [event.number for event in log.after(5)][:2] == [11, 12]
    assert log.last == events._KEPT + 10


def test_long_texts_are_kept_no_longer_than_there_is_room() -> None:
    log = EventLog()
    for turn in range(100):
        log.add("queued", turn, 0, 0.0, text="x" * 100_000)
    kept = log.after(0)
    assert len(kept) == events._KEPT_CHARACTERS // 100_000
    assert kept[-1].number == 100


def test_a_listener_that_fails_is_left_out() -> None:
    log, heard = EventLog(), []

    def fails() -> None:
        heard.append("fails")
        raise ValueError("no")

    log.listen(fails)
    log.listen(lambda: heard.append("hears"))
    log.add("word", 1, 0, 0.0)
    log.add("word", 1, 1, 0.0)
    assert heard.count("fails") == 1
    assert heard.count("hears") == 2
    assert len(log.after(0)) == 2
