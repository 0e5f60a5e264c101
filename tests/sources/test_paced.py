"""When the next frame of a paced source is read: not before somebody has begun with the last one.

On a clock of the test's own, in the test's own thread.
"""

from __future__ import annotations

import pytest

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream
from appliance.media.frame import Format, Frame, blank
from appliance.sources import feeder as feeder_module
from appliance.sources.feeder import SourceFeeder

STEP = 10_000_000
FRAMES = 12


class Clock:
    """Stands in for the module ``time``: passes by what is slept and what is spent."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def monotonic_ns(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1e9

    def sleep(self, seconds: float) -> None:
        self.now += max(1, round(seconds * 1e9))


class Clip:
    """A file of ``FRAMES`` pictures, each of which takes ``cost`` nanoseconds to read."""

    live = paced = True

    def __init__(self, clock: Clock, cost: int) -> None:
        self.clock, self.cost = clock, cost
        self.begun: list[int] = []

    def open(self, want: Format | None) -> Format:
        return Format(4, 4, (100, 1))

    def read(self, timeout: float) -> Frame | None:
        index = len(self.begun)
        self.begun.append(self.clock.now)
        if index == FRAMES:
            raise EndOfStream("over")
        self.clock.now += self.cost
        frame = blank(4, 4)
        return Frame(frame.y, frame.uv, pts=index * STEP, serial=index, duration=STEP)

    def close(self) -> None:
        pass


def played(monkeypatch: pytest.MonkeyPatch, cost: int) -> tuple[list[int], list[Frame]]:
    """When each read began, and the frames as posted."""
    clock = Clock()
    monkeypatch.setattr(feeder_module, "time", clock)
    clip = Clip(clock, cost)
    feeder = SourceFeeder(clip, SourceSettings(uri="test://"))
    posted: list[Frame] = []
    monkeypatch.setattr(feeder.mailbox, "put", lambda frame, timeout: not posted.append(frame))
    feeder._run()
    assert feeder.error is None
    return clip.begun, posted


def test_the_next_frame_is_read_when_the_last_one_has_had_time_to_be_begun_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, posted = played(monkeypatch, STEP // 10)
    assert [frame.captured - posted[0].captured for frame in posted] == [
        index * STEP for index in range(FRAMES)
    ]
    waits = [read - frame.captured for frame, read in zip(posted[1:], begun[2:], strict=True)]
    assert waits == [3 * STEP // 10] * (FRAMES - 1)


@pytest.mark.parametrize("share", [0.8, 0.97])
def test_a_source_that_needs_the_time_for_itself_is_not_made_late(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    _, posted = played(monkeypatch, int(share * STEP))
    assert [frame.captured - posted[0].captured for frame in posted] == [
        index * STEP for index in range(FRAMES)
    ]


def test_one_that_is_too_slow_loses_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, posted = played(monkeypatch, 2 * STEP)
    assert begun[1:] == [frame.captured for frame in posted]
