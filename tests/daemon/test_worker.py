"""The worker's own rules; the daemon's tests cover the rest."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from appliance.daemon.worker import Worker
from appliance.media.borrowed import Borrowed
from appliance.media.canvas import BufferPool
from appliance.media.decimator import Decimator
from appliance.media.frame import Format, Frame, blank
from appliance.media.mailbox import Mailbox
from appliance.pipeline.base import Outcome

SECOND = 10**9


@pytest.mark.parametrize(
    ("source", "canvas", "want"),
    [(60, 30, 30), (60, 24, 24), (50, 25, 25), (30, 30, 30), (25, 30, 25), (29.97, 30, 29.97)],
)
def test_a_slower_canvas_takes_every_so_many_frames(
    source: float, canvas: float, want: float
) -> None:
    decimator = Decimator(int(SECOND / canvas))
    taken = sum(decimator.takes(int(i * SECOND / source)) for i in range(int(source * 20)))
    assert taken / 20 == pytest.approx(want, rel=0.02)


def test_jitter_costs_no_frame() -> None:
    decimator = Decimator(SECOND // 30)
    times = [i * SECOND // 30 + (5_000_000 if i % 2 else -5_000_000) for i in range(300)]
    assert sum(map(decimator.takes, times)) == 300


def test_times_that_jump_do_not_stop_the_frames() -> None:
    decimator = Decimator(SECOND // 30)
    times = [0, SECOND, 2 * SECOND, 0, SECOND // 30, 900 * SECOND, 5]
    assert all(map(decimator.takes, times))


class Slow:
    """A pipeline that blocks until released, and a programme that records what it is given."""

    def __init__(self) -> None:
        self.go_on, self.told = threading.Event(), threading.Event()
        self.resets = 0
        self.published: list[Frame] = []
        self.failures: list[str] = []

    interpolates = False

    def process(
        self,
        frame: Frame,
        out: Frame,
        matte: object = None,
        also: object = None,
        companions: object = None,
        also_companions: object = None,
    ) -> Outcome:
        self.go_on.wait(5)
        return Outcome(frame.rect, None, 1)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None: ...

    def publish(self, frame: Frame, at: int = 0, companions: object = None) -> None:
        self.published.append(frame)
        self.told.set()

    def fail(self, reason: str, frame: Frame) -> None:
        self.failures.append(reason)
        self.told.set()


@pytest.mark.parametrize("lent_s", [0.05, 60])
def test_a_frame_that_was_written_over_meanwhile_is_not_shown(lent_s: float) -> None:
    """Its pixels would be later than its matte: the room where the person was."""
    slow: Any = Slow()
    inbox: Mailbox[Frame] = Mailbox()
    format = Format(64, 36)
    worker = Worker(inbox, slow, slow, BufferPool(format, 2))
    until = time.monotonic_ns() + int(lent_s * SECOND)
    worker.start()
    try:
        inbox.put(replace(blank(64, 36), owner=Borrowed(until)))
        while lent_s < 1 and time.monotonic_ns() < until:
            threading.Event().wait(0.01)
        slow.go_on.set()
        assert slow.told.wait(5)
    finally:
        inbox.close()
        assert worker.stop()
    if lent_s < 1:
        assert "took longer than its memory was lent" in slow.failures[0]
        assert (slow.published, slow.resets) == ([], 1)
    else:
        assert (len(slow.published), slow.failures) == (1, [])


def test_it_takes_frames_as_soon_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after the rest of a wait for something else to do."""
    monkeypatch.setattr("appliance.daemon.worker._POLL_S", 60.0)
    slow: Any = Slow()
    slow.go_on.set()
    inbox: Mailbox[Frame] = Mailbox()
    worker = Worker(inbox, None, slow, BufferPool(Format(64, 36), 2))
    try:
        worker.open(lambda: slow, 5.0)
        worker.start()
        inbox.put(blank(64, 36))
        assert slow.told.wait(5)
    finally:
        inbox.close()
        worker.ask_to_stop()
        worker._actions.put(lambda: None)
        worker.take_from(Mailbox())
        worker.stop()


@pytest.mark.parametrize(
    ("source", "canvas", "exact", "share"),
    [
        (60, 30, False, 0.5),
        (240, 30, False, 0.125),
        (31.5, 30, False, 1.0),  # a camera a little fast: none of its frames is dropped
        (30, 30, False, 1.0),
        (1, 30, False, 1.0),
        (30, 15, True, 0.5),
        (31.5, 30, True, 0.95),  # the rate was asked for, so it is kept
    ],
)
def test_a_source_is_thinned_to_the_canvass_rate(
    source: float, canvas: float, exact: bool, share: float
) -> None:
    step = int(SECOND / source)
    nobody: Any = None
    pool = BufferPool(Format(64, 36), 1)
    period = int(SECOND / canvas)
    worker = Worker(Mailbox(), None, nobody, pool, period_ns=period, exact=exact)
    frames = [replace(blank(64, 36), pts=i * step, duration=step) for i in range(400)]
    assert sum(worker._wanted(frame) for frame in frames) / 400 == pytest.approx(share, abs=0.02)
