"""The feeder: what it does when a source fails, hangs, ends, or its thread dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, InputError, SourceError
from appliance.media.frame import Format, Frame, blank
from appliance.media.mailbox import Closed
from appliance.sources.feeder import SourceFeeder
from tests.conftest import ClipFactory
from tests.sources.pictures import source_for
from tests.sources.test_rtsp import until

SETTINGS = SourceSettings(uri="test://", timeout_s=0.5, retry_first_s=0.1, retry_most_s=0.4)
FORMAT = Format(64, 48, (100, 1))


class Script:
    """A source that plays a list of lives, each a number of frames and then what it raises."""

    live = True
    paced = False

    def __init__(self, *lives: tuple[int, Exception | None]) -> None:
        self.lives = iter(lives)
        self.opened_at: list[float] = []
        self.wants: list[Format | None] = []
        self.closed = 0
        self.life: Iterator[Frame | None] = iter(())

    def open(self, want: Format | None) -> Format:
        self.opened_at.append(time.monotonic())
        self.wants.append(want)
        count, end = next(self.lives, (0, EndOfStream("no more lives")))
        if count < 0:
            assert end is not None
            raise end
        self.life = self.play(count, end)
        return FORMAT

    def play(self, count: int, end: Exception | None) -> Iterator[Frame | None]:
        for index in range(count):
            frame = blank(64, 48)
            yield Frame(frame.y, frame.uv, frame.colour, index * 10_000_000, 0, index, index == 0)
        if end is not None:
            raise end
        while True:
            yield None

    def read(self, timeout: float) -> Frame | None:
        frame = next(self.life)
        if frame is None:
            threading.Event().wait(timeout)
        return frame

    def close(self) -> None:
        self.closed += 1


def drain(feeder: SourceFeeder) -> list[Frame]:
    frames = []
    while True:
        try:
            frame = feeder.mailbox.get(5)
        except Closed:
            return frames
        assert frame is not None
        frames.append(frame)


@pytest.fixture
def feed() -> Iterator[Callable[[Script], SourceFeeder]]:
    feeders: list[SourceFeeder] = []

    def make(script: Script, settings: SourceSettings = SETTINGS) -> SourceFeeder:
        script.live = False  # lossless: the test sees every frame
        feeders.append(SourceFeeder(script, settings))
        return feeders[-1]

    yield make
    for feeder in feeders:
        assert feeder.stop()


def test_it_reconnects_and_times_go_on_rising(feed: Callable[[Script], SourceFeeder]) -> None:
    script = Script((3, SourceError("gone")), (2, SourceError("gone again")), (2, None))
    feeder = feed(script)
    assert feeder.start() == FORMAT
    frames = [feeder.mailbox.get(3) for _ in range(7)]
    assert [frame.serial for frame in frames if frame] == list(range(7))
    assert [frame.pts // 10_000_000 for frame in frames if frame] == list(range(7))
    assert [frame.serial for frame in frames if frame and frame.discontinuity] == [0, 3, 5]
    assert feeder.reconnects == 2
    assert script.wants == [None, FORMAT, FORMAT]


class Seldom(Script):
    """A source whose second frame comes later than the limit, and no later than it said."""

    def play(self, count: int, end: Exception | None) -> Iterator[Frame | None]:
        first = blank(64, 48)
        yield replace(first, duration=2_000_000_000)
        begun = time.monotonic()
        while time.monotonic() - begun < 1.5 * SETTINGS.timeout_s:
            yield None
        yield replace(first, serial=1, pts=2_000_000_000)
        while True:
            yield None


def test_a_source_is_silent_only_by_its_own_interval(
    feed: Callable[[Script], SourceFeeder],
) -> None:
    feeder = feed(Seldom((2, None)))
    feeder.start()
    frames = [feeder.mailbox.get(5) for _ in range(2)]
    assert [frame.serial for frame in frames if frame] == [0, 1]
    assert feeder.reconnects == 0


def test_the_wait_doubles_up_to_its_most(feed: Callable[[Script], SourceFeeder]) -> None:
    script = Script(*[(-1, SourceError("refused"))] * 5, (1, EndOfStream("done")))
    feeder = feed(script)
    assert feeder.start() is None
    drain(feeder)
    gaps = [b - a for a, b in zip(script.opened_at, script.opened_at[1:], strict=False)]
    for gap, wanted in zip(gaps, [0.1, 0.2, 0.4, 0.4, 0.4], strict=True):
        assert wanted <= gap < wanted + 0.25


def test_frames_make_the_next_wait_short_again(feed: Callable[[Script], SourceFeeder]) -> None:
    refused = (-1, SourceError("refused"))
    script = Script(refused, refused, refused, (1, SourceError("gone")), (0, EndOfStream("end")))
    feeder = feed(script)
    feeder.start()
    drain(feeder)
    assert script.opened_at[4] - script.opened_at[3] < 0.35


def test_what_will_never_work_is_raised_at_the_start(
    feed: Callable[[Script], SourceFeeder],
) -> None:
    feeder = feed(Script((-1, InputError("not a video"))))
    with pytest.raises(InputError, match="not a video"):
        feeder.start()
    assert not feeder.alive


def test_what_will_never_work_is_tried_again_once_it_has_worked(
    feed: Callable[[Script], SourceFeeder],
) -> None:
    """A camera node that udev has not yet made accessible, a file that is being replaced."""
    script = Script((1, SourceError("gone")), (-1, InputError("now a folder")), (1, None))
    feeder = feed(script)
    feeder.start()
    assert feeder.mailbox.get(2) is not None
    assert feeder.mailbox.get(5) is not None
    assert feeder.alive


def test_what_turns_out_too_late_to_never_work_ends_nothing(
    feed: Callable[[Script], SourceFeeder],
) -> None:
    """As in a reload, which waits 2 s for the new source: after that it is retried."""
    script = Script((-1, InputError("not a video")), (-1, InputError("not a video")), (1, None))
    answer, first_open = threading.Event(), script.open

    def slow(want: Format | None) -> Format:
        answer.wait(5)
        return first_open(want)

    script.open = slow  # type: ignore[method-assign]
    feeder = feed(script)
    assert feeder.start(timeout=0.05) is None
    with capture_logs() as logs:
        answer.set()
        assert feeder.mailbox.get(5) is not None
    assert feeder.alive
    # The same trouble twice is reported once.
    assert [line["reason"] for line in logs if line["event"] == "the source failed"] == [
        "not a video"
    ]


def test_no_frame_for_too_long_is_a_failure(feed: Callable[[Script], SourceFeeder]) -> None:
    feeder = feed(Script((1, None), (1, EndOfStream("end"))))
    feeder.start()
    until(lambda: feeder.state.state == "waiting", 3)
    assert "no frame for 0.5 s" in feeder.state.reason
    assert len(drain(feeder)) == 2


def test_the_end_is_said_and_closes_the_mailbox(feed: Callable[[Script], SourceFeeder]) -> None:
    script = Script((3, EndOfStream("played to its end")))
    feeder = feed(script)
    feeder.start()
    assert len(drain(feeder)) == 3
    until(lambda: not feeder.alive, 2)
    assert (feeder.state.state, feeder.state.reason) == ("ended", "played to its end")
    assert feeder.error is None
    assert script.closed >= 1


def test_a_thread_that_dies_is_reported(feed: Callable[[Script], SourceFeeder]) -> None:
    feeder = feed(Script((2, ZeroDivisionError("a bug"))))
    feeder.start()
    assert len(drain(feeder)) == 2
    until(lambda: not feeder.alive, 2)
    assert feeder.state.state == "failed"
    assert isinstance(feeder.error, ZeroDivisionError)


def test_stop_is_quick_whatever_it_is_doing(feed: Callable[[Script], SourceFeeder]) -> None:
    slow = SourceSettings(uri="test://", timeout_s=60, retry_first_s=60, retry_most_s=60)
    waiting = SourceFeeder(Script((-1, SourceError("refused"))), slow)
    reading = SourceFeeder(Script((1, None)), slow)
    full = SourceFeeder(Script((100, None)), slow)
    full.mailbox.lossless = True  # nobody reads
    for feeder in (waiting, reading, full):
        feeder.start()
        until(lambda feeder=feeder: feeder.frames > 0 or feeder.state.state == "waiting", 2)  # type: ignore[misc]
        begun = time.monotonic()
        assert feeder.stop()
        assert time.monotonic() - begun < 1
        assert feeder.state.state == "ended"


def test_a_fast_file_loses_nothing_to_a_slow_reader(clip: ClipFactory) -> None:
    settings = SourceSettings(uri=str(clip(64, 48, frames=25)), pace="fast", loop=False)
    feeder = SourceFeeder(source_for(settings.uri, loop=False), settings)
    feeder.start()
    seen = []
    try:
        for frame in iter_frames(feeder):
            seen.append(frame.serial)
            if frame.serial == 5:
                threading.Event().wait(0.5)
    finally:
        assert feeder.stop()
    assert seen == list(range(25))
    assert feeder.mailbox.dropped == 0


def iter_frames(feeder: SourceFeeder) -> Iterator[Frame]:
    while True:
        try:
            frame = feeder.mailbox.get(5)
        except Closed:
            return
        assert frame is not None
        yield frame


def test_a_live_file_drops_rather_than_waits(clip: ClipFactory) -> None:
    settings = SourceSettings(uri=str(clip(64, 48, frames=25, fps=50)), pace="realtime")
    feeder = SourceFeeder(source_for(settings.uri, pace="realtime"), settings)
    feeder.start()
    try:
        until(lambda: feeder.frames >= 20, 3)
        newest = feeder.mailbox.get(1)
        assert newest is not None
        assert newest.serial >= 18
        assert feeder.mailbox.dropped >= 15
    finally:
        assert feeder.stop()


def test_a_file_deleted_while_it_plays_is_waited_for(clip: ClipFactory, tmp_path: Path) -> None:
    path = tmp_path / "now.gif"
    original = clip(
        64, 48, frames=5, codec="gif", pix_fmt="rgb8", matrix="", range="", suffix=".gif"
    ).read_bytes()
    path.write_bytes(original)
    settings = SourceSettings(uri=str(path), timeout_s=1, retry_first_s=0.1, retry_most_s=0.1)
    feeder = SourceFeeder(source_for(path, pace="realtime"), settings)
    feeder.start()
    try:
        until(lambda: feeder.frames > 2, 3)
        path.unlink()
        until(lambda: feeder.state.state == "waiting", 4)
        assert "no such file" in feeder.state.reason
        path.write_bytes(original)
        before = feeder.frames
        until(lambda: feeder.frames > before, 4)
    finally:
        assert feeder.stop()
