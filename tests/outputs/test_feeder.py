"""The feeder: outputs that fail, hang or have bugs, while others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from appliance.errors import InputError, OutputError
from appliance.media.audio import AudioBlock, silence
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed
from appliance.outputs import feeder as feeder_module
from appliance.outputs.base import Output
from appliance.outputs.feeder import OutputFeeder
from appliance.outputs.null import NullOutput
from tests.outputs.conftest import FORMAT, picture, wait_until

Start = Callable[..., OutputFeeder]


class Scripted(NullOutput):
    """Raises what the script says, one entry per call of open or write (None: succeed)."""

    def __init__(
        self, opens: tuple[Exception | None, ...] = (), writes: tuple[Exception | None, ...] = ()
    ) -> None:
        super().__init__("scripted://")
        self._opens, self._writes = list(opens), list(writes)
        self.opened = self.closed = 0

    def open(self, format: Format) -> None:
        """As the script says."""
        self.opened += 1
        error = self._opens.pop(0) if self._opens else None
        if error is not None:
            raise error
        super().open(format)

    def write(self, frame: Frame) -> None:
        """As the script says."""
        error = self._writes.pop(0) if self._writes else None
        if error is not None:
            raise error
        super().write(frame)

    def close(self) -> None:
        """Count."""
        self.closed += 1
        super().close()


class Hanging(NullOutput):
    """A write that blocks until ``free`` is set."""

    def __init__(self) -> None:
        super().__init__("hanging://")
        self.free = threading.Event()

    def write(self, frame: Frame) -> None:
        """Hang."""
        assert self.free.wait(30)
        super().write(frame)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts feeders with short waits, and stops them."""
    feeders: list[OutputFeeder] = []

    def make(output: Output, **options: bool) -> OutputFeeder:
        feeder = OutputFeeder(output, FORMAT, retry_first_s=0.02, retry_most_s=0.05, **options)
        feeders.append(feeder)
        feeder.start()
        return feeder

    yield make
    for feeder in feeders:
        assert feeder.stop()


def test_frames_arrive_and_are_counted(start: Start) -> None:
    output = NullOutput()
    feeder = start(output)
    wait_until(lambda: feeder.status().state == "running")
    for count in range(1, 6):
        feeder.mailbox.put(picture())
        wait_until(lambda count=count: feeder.frames == count)  # type: ignore[misc]
    status = feeder.status()
    assert (status.frames, status.dropped, status.reconnects) == (5, 0, 0)
    assert (status.words, status.last_error) == ("running", None)
    assert feeder.stop()
    assert feeder.status().state == "stopped"


def test_one_that_breaks_is_opened_again_and_the_other_goes_on(start: Start) -> None:
    broken = Scripted(
        opens=(OutputError("no"), OutputError("no"), None),
        writes=(None, OutputError("full"), None, None),
    )
    bad, good = start(broken), start(NullOutput())

    def both() -> bool:
        for feeder in (bad, good):
            feeder.mailbox.put(picture())
        return bad.frames >= 3

    wait_until(both)
    assert bad.status().reconnects == 3
    assert bad.status().last_error == "full"
    assert broken.closed == 3
    assert good.status().reconnects == 0
    assert good.frames > 3


def test_frames_go_by_while_an_output_is_down(start: Start) -> None:
    feeder = start(Scripted(opens=(OutputError("no"),) * 10_000), lossless=True)
    for _ in range(20):
        assert feeder.mailbox.put(picture(), timeout=5)
    status = feeder.status()
    assert status.state in ("retrying", "opening")
    assert "no" in status.words or status.state == "opening"
    assert status.dropped >= 19


def test_what_cannot_be_right_is_not_tried_again(start: Start) -> None:
    output = Scripted(opens=(InputError("wrong suffix"),))
    feeder = start(output, lossless=True)
    wait_until(lambda: feeder.status().state == "failed")
    for _ in range(5):
        assert feeder.mailbox.put(picture(), timeout=5)
    assert feeder.status().words == "failed: wrong suffix"
    assert output.opened == 1


def test_a_stuck_write_is_seen_and_stop_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeder_module, "STALL_S", 0.05)
    output = Hanging()
    feeder = OutputFeeder(output, FORMAT)
    feeder.start()
    feeder.mailbox.put(picture())
    wait_until(lambda: feeder.status().state == "stalled")
    assert "stalled: nothing for" in feeder.status().words
    assert feeder.stop(0.2) is False
    output.free.set()
    assert feeder.stop()


def test_a_stall_that_ends_is_forgotten(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    monkeypatch.setattr(feeder_module, "STALL_S", 0.05)
    output = Hanging()
    feeder = start(output)
    feeder.mailbox.put(picture())
    wait_until(lambda: feeder.status().state == "stalled")
    output.free.set()
    wait_until(lambda: feeder.status().state == "running" and feeder.frames == 1)


def test_the_last_frame_is_written_before_the_end() -> None:
    output = NullOutput()
    feeder = OutputFeeder(output, FORMAT, lossless=True)
    feeder.start()
    for _ in range(10):
        assert feeder.mailbox.put(picture())
    assert feeder.stop()
    assert output.frames == 10


def test_a_mistake_in_an_output_is_told_and_it_is_opened_again(start: Start) -> None:
    output = Scripted(writes=(ZeroDivisionError("oops"), ZeroDivisionError("oops"), None))
    feeder = start(output, lossless=True)
    with capture_logs() as logs:

        def again() -> bool:
            assert feeder.mailbox.put(picture(), timeout=5)
            return feeder.frames > 0

        wait_until(again)
    status = feeder.status()
    assert (status.state, status.reconnects) == ("running", 2)
    assert status.last_error == "ZeroDivisionError: oops"
    # Reported once, with the place.
    [told] = [line for line in logs if line["event"] == "output broke"]
    assert told["exc_info"]


def test_a_thread_that_dies_is_reported(start: Start) -> None:
    feeder = start(Scripted(writes=(SystemExit("oops"),)), lossless=True)  # type: ignore[arg-type]
    feeder.mailbox.put(picture())
    wait_until(lambda: feeder.status().state == "failed")
    assert feeder.status().words == "failed: SystemExit: oops"
    assert isinstance(feeder.error, SystemExit)


class Connecting(NullOutput):
    """Open before it reaches anybody; what it opens hangs until it is interrupted, if asked to."""

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__("connecting://")
        self.waits_for: str | None = "connecting"
        self._go, self._hangs = threading.Event(), hangs

    def open(self, format: Format) -> None:
        """Hang, if it does."""
        if self._hangs:
            assert self._go.wait(30)
            raise Closed
        super().open(format)

    def interrupt(self) -> None:
        """See ``Connects``."""
        self._go.set()


def test_one_that_connects_runs_only_once_it_has(start: Start) -> None:
    output = Connecting()
    with capture_logs() as logs:
        feeder = start(output)

        def taken() -> bool:
            feeder.mailbox.put(picture())
            return feeder.frames >= 3

        wait_until(taken)
        status = feeder.status()
        assert (status.state, status.words) == ("opening", "connecting")
        assert not [entry for entry in logs if entry["event"] == "output open"]
        output.waits_for = None
        wait_until(lambda: feeder.status().state == "running")
        assert feeder.status().words == "running"
        assert len([entry for entry in logs if entry["event"] == "output open"]) == 1


def test_a_stop_interrupts_what_it_opens(start: Start) -> None:
    with capture_logs() as logs:
        feeder = start(Connecting(hangs=True))
        wait_until(lambda: feeder.status().state == "opening")
        assert feeder.stop()
    assert feeder.status().state == "stopped"
    assert [entry["event"] for entry in logs] == []


class Unread(NullOutput):
    """One that nobody reads until ``idle`` is False."""

    def __init__(self) -> None:
        super().__init__("unread://")
        self.idle = True
        self.heard: list[AudioBlock] = []

    def hear(self, sound: AudioBlock) -> None:
        """Keep it."""
        self.heard.append(sound)


def test_an_output_that_nobody_reads_is_not_woken_and_misses_nothing_afterwards(
    start: Start,
) -> None:
    output = Unread()
    feeder = start(output)
    wait_until(lambda: feeder.status().state == "running")
    for _ in range(5):
        feeder.sounds.put(AudioBlock(silence(480), 0))
        feeder.mailbox.put(picture())
    # Not even the slot: nothing waits to be written when the first reader comes.
    assert feeder.mailbox.empty
    status = feeder.status()
    assert (status.frames, status.dropped, status.missing) == (5, 0, None)
    output.idle = False
    feeder.sounds.put(AudioBlock(silence(480), 480))
    feeder.mailbox.put(picture())
    wait_until(lambda: output.frames == 1)
    assert [sound.pts for sound in output.heard] == [480]
    assert feeder.status().frames == 6


def test_an_output_that_waits_for_a_slow_file_reads_every_frame(start: Start) -> None:
    output = Unread()
    feeder = start(output, lossless=True)
    for count in range(1, 4):
        feeder.mailbox.put(picture())
        wait_until(lambda count=count: output.frames == count)  # type: ignore[misc]
