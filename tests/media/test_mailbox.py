"""The mailbox: the newest wins, nothing queues, every wait ends."""

from __future__ import annotations

import threading

import pytest

from appliance.media.mailbox import Closed, Mailbox


def test_newest_wins_and_the_rest_is_counted() -> None:
    box: Mailbox[int] = Mailbox()
    for i in range(5):
        assert box.put(i)
    assert box.get(0) == 4
    assert box.get(0.01) is None
    assert (box.dropped, box.put_count) == (4, 5)


def test_lossless_waits_for_the_reader() -> None:
    box: Mailbox[int] = Mailbox(lossless=True)
    seen: list[int] = []

    def read() -> None:
        while len(seen) < 100:
            item = box.get(5)
            assert item is not None
            seen.append(item)

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(100):
        assert box.put(i, 5)
    reader.join(5)
    assert seen == list(range(100))
    assert box.dropped == 0


def test_lossless_gives_up_at_its_deadline() -> None:
    box: Mailbox[int] = Mailbox(lossless=True)
    assert box.put(1)
    assert not box.put(2, 0.01)
    assert box.get(0) == 1
    assert box.dropped == 0


@pytest.mark.parametrize("lossless", [False, True])
def test_close_wakes_both_sides(lossless: bool) -> None:
    box: Mailbox[int] = Mailbox(lossless=lossless)
    ended = threading.Event()

    def read() -> None:
        with pytest.raises(Closed):
            box.get(30)
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    box.close()
    assert ended.wait(5)
    with pytest.raises(Closed):
        box.put(1)
    reader.join(5)


def test_what_was_in_the_slot_can_still_be_taken() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1)
    box.close()
    assert box.get(0) == 1
    with pytest.raises(Closed):
        box.get(0)


def test_a_reader_without_use_for_items_is_not_woken() -> None:
    idle = True
    box: Mailbox[int] = Mailbox(idle=lambda: idle)
    assert box.put(1)
    assert box.put(2)
    assert box.get(0) is None
    assert (box.passed_by, box.put_count, box.dropped) == (2, 2, 0)
    idle = False
    assert box.put(3)
    assert box.get(0) == 3
    idle = True
    box.close()
    with pytest.raises(Closed):
        box.put(4)
