"""When the next frame of a paced source is read: not before somebody has begun with the last one.

On a clock of the test's own, in the test's own thread.
"""

from __future__ import annotations

from itertools import pairwise

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
    """A file of pictures at these steps, each of which takes ``cost`` nanoseconds to read.

    Each is said to last as long as the longest: as some files do, of which the others are shorter.
    """

    live = paced = True

    def __init__(self, clock: Clock, cost: int, steps: list[int]) -> None:
        self.clock, self.cost, self.steps = clock, cost, steps
        self.lasts = STEP * max(after - before for before, after in pairwise(steps))
        self.begun: list[int] = []

    def open(self, want: Format | None) -> Format:
        return Format(4, 4, (100, 1))

    def read(self, timeout: float) -> Frame | None:
        index = len(self.begun)
        self.begun.append(self.clock.now)
        if index == len(self.steps):
            raise EndOfStream("over")
        self.clock.now += self.cost
        frame = blank(4, 4)
        return Frame(
            frame.y, frame.uv, pts=self.steps[index] * STEP, serial=index, duration=self.lasts
        )

    def close(self) -> None:
        pass


def played(
    monkeypatch: pytest.MonkeyPatch, cost: int, steps: list[int] | None = None
) -> tuple[list[int], list[Frame]]:
    """When each read began, and the frames as posted."""
    clock = Clock()
    monkeypatch.setattr(feeder_module, "time", clock)
    clip = Clip(clock, cost, steps or list(range(FRAMES)))
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
    # Half of what is to spare: the reading takes a tenth.
    assert waits[1:] == [45 * STEP // 100] * (FRAMES - 2)
    assert 0 < waits[0] <= STEP // 2


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


def test_after_a_long_picture_the_next_is_hardly_late(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [0, 1, 2, 1000, 1001, 1002]
    _, posted = played(monkeypatch, STEP // 10, steps)
    late = [
        frame.captured - posted[0].captured - step * STEP
        for frame, step in zip(posted, steps, strict=False)
    ]
    assert max(late) <= 15_000_000
