"""The programme: composites or the placeholder, and never a standstill."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from appliance.daemon.placeholder import slate
from appliance.daemon.programme import Programme
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Mailbox
from tests.scenes import FULL, STAGE, flat

FORMAT = Format(320, 180, (30, 1), FULL)


def make(box: Mailbox[Frame], reason: str = "no camera", **options: object) -> Programme:
    """A programme with one output."""
    return Programme(
        FORMAT,
        [box],
        lambda: slate(FORMAT, starting=True),
        stall_s=0.2,
        reason=lambda: reason,
        **options,
    )  # type: ignore[arg-type]


def is_composite(frame: Frame) -> bool:
    """Whether a frame shows the stage rather than the slate."""
    return bool((frame.y == STAGE).all())


def next_frame(box: Mailbox[Frame]) -> Frame:
    """The next frame out; fails the test if there is none."""
    frame = box.get(5)
    assert frame is not None
    return frame


def test_placeholder_before_the_first_composite() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    programme.start()
    try:
        assert not is_composite(next_frame(box))
        assert programme.trouble == "no camera"
    finally:
        programme.stop()


def test_placeholder_when_composites_stop_and_back() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    programme.start()
    try:
        programme.publish(flat(320, 180, STAGE))
        assert is_composite(next_frame(box))
        assert programme.trouble is None
        assert not is_composite(next_frame(box))
        programme.publish(flat(320, 180, STAGE))
        frames = [next_frame(box) for _ in range(2)]
        assert any(map(is_composite, frames))
    finally:
        programme.stop()


def test_a_failed_matte_shows_the_placeholder_at_once() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    programme.publish(flat(320, 180, STAGE))
    next_frame(box)
    programme.fail("the network gave NaN")
    assert not is_composite(next_frame(box))
    assert programme.trouble == "the network gave NaN"
    assert (programme.composites, programme.placeholders) == (1, 1)


def test_no_watch_for_fast_files() -> None:
    box: Mailbox[Frame] = Mailbox(lossless=True)
    programme = make(box, watch=False)
    programme.start()
    assert box.get(0.4) is None
    programme.stop()


def test_a_closed_output_does_not_stop_the_others() -> None:
    closed: Mailbox[Frame] = Mailbox()
    closed.close()
    box: Mailbox[Frame] = Mailbox()
    programme = Programme(
        FORMAT, [closed, box], lambda: slate(FORMAT, starting=True), stall_s=1, reason=str
    )
    programme.publish(flat(320, 180, STAGE))
    assert is_composite(next_frame(box))


@pytest.mark.parametrize(("width", "height"), [(32, 32), (320, 180), (180, 320), (1920, 1080)])
@pytest.mark.parametrize("starting", [True, False])
def test_slate_at_any_size(width: int, height: int, starting: bool) -> None:
    frame = slate(Format(width, height, (30, 1), FULL), starting=starting)
    assert frame.y.shape == (height, width)
    assert frame.uv.shape == (height // 2, width // 2, 2)
    assert np.unique(frame.y).size > 1


def test_slate_costs_little_while_it_is_out() -> None:
    """It is rendered once, however long it stays."""
    assert slate(FORMAT, starting=False) is slate(FORMAT, starting=False)
    assert not np.array_equal(slate(FORMAT, starting=True).y, slate(FORMAT, starting=False).y)


def test_each_placeholder_is_asked_for_anew() -> None:
    """So that a picture that may no longer be shown is not shown once more."""
    box: Mailbox[Frame] = Mailbox()
    shown = flat(320, 180, STAGE)
    programme = Programme(FORMAT, [box], lambda: shown, stall_s=1, reason=str)
    programme.fail("gone")
    assert next_frame(box).y[0, 0] == STAGE
    shown = flat(320, 180, STAGE + 9)
    programme.fail("gone")
    assert next_frame(box).y[0, 0] == STAGE + 9


SECOND = 10**9
LOOK_S = 0.1


def sent(box: Mailbox[Frame]) -> Frame | None:
    """What has just gone out, if anything."""
    return box.get(0)


def composite(pts: int, duration: int = SECOND // 30) -> Frame:
    """A composite of that time."""
    return replace(flat(320, 180, STAGE), pts=pts, duration=duration)


@pytest.mark.parametrize("interval", [SECOND // 60, SECOND, 10 * SECOND])
def test_what_is_stale_goes_by_the_sources_own_interval(interval: int) -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    now = time.monotonic_ns()
    programme.publish(composite(now, interval))
    sent(box)
    programme._look(now + interval + SECOND // 10, LOOK_S)
    again = sent(box)
    assert again is None or is_composite(again)
    programme._look(now + interval + SECOND // 2, LOOK_S)
    slate_out = sent(box)
    assert slate_out is not None
    assert not is_composite(slate_out)


def test_a_composite_that_stands_for_long_is_sent_again() -> None:
    """Every 1.5 s, at the time it is then: a reader takes silence for the end."""
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    now = time.monotonic_ns()
    programme.publish(composite(now, 10 * SECOND))
    times = [next_frame(box).pts]
    for tenth in range(1, 50):
        programme._look(now + tenth * SECOND // 10, LOOK_S)
        frame = sent(box)
        if frame is not None:
            assert is_composite(frame)
            times.append(frame.pts)
    assert np.diff(times) / SECOND == pytest.approx([1.5, 1.5, 1.5], abs=0.11)
    assert programme.composites == 1


def test_after_a_change_the_old_composite_is_not_sent_again() -> None:
    """Of a source with a frame in ten seconds: what stands behind the person may be another now."""
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    now = time.monotonic_ns()
    programme.publish(composite(now, 10 * SECOND))
    next_frame(box)
    programme.forget()
    programme._look(now + 2 * SECOND, LOOK_S)
    assert not is_composite(next_frame(box))
    programme.publish(composite(now + 3 * SECOND, 10 * SECOND))
    assert is_composite(next_frame(box))
    assert programme.trouble is None


def test_after_a_failure_nothing_is_sent_again() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    programme.publish(composite(time.monotonic_ns(), 10 * SECOND))
    programme.fail("the network gave NaN")
    next_frame(box)
    programme._look(time.monotonic_ns() + 2 * SECOND, LOOK_S)
    assert not is_composite(next_frame(box))


def test_a_frame_held_until_it_is_due_is_not_missed() -> None:
    held = True
    box: Mailbox[Frame] = Mailbox()
    programme = make(box, held=lambda: held)
    now = time.monotonic_ns()
    programme.publish(composite(now))
    next_frame(box)
    programme._look(now + SECOND, LOOK_S)
    assert sent(box) is None
    held = False
    programme._look(now + SECOND, LOOK_S)
    assert not is_composite(next_frame(box))


def test_composites_keep_their_own_times() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    now = time.monotonic_ns()
    given = [now + step for step in (0, 33_000_000, 66_000_000, 9 * SECOND, 3600 * SECOND)]
    out = []
    for pts in given:
        programme.publish(composite(pts))
        out.append(next_frame(box).pts)
    assert out == given


def test_the_placeholder_in_place_of_a_frame_has_its_time() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    programme.fail("no matte", composite(12_345_678))
    assert next_frame(box).pts == 12_345_678


def test_the_placeholder_lies_where_late_composites_would() -> None:
    """A network that takes 0.6 s: what it makes still comes after the placeholder, in truth."""
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    late = 600_000_000
    now = time.monotonic_ns()
    programme.publish(composite(now - late))
    times = [next_frame(box).pts]
    programme._look(now + SECOND, LOOK_S)
    times.append(next_frame(box).pts)
    assert times[1] == pytest.approx(now + SECOND - late, abs=100_000_000)
    # Made of a frame that came just after.
    programme.publish(composite(times[1] + 10_000_000))
    assert next_frame(box).pts == times[1] + 10_000_000


def test_a_composite_from_before_the_placeholder_does_not_go_back() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    now = time.monotonic_ns()
    programme.fail("starting", composite(now))
    first = next_frame(box).pts
    programme.publish(composite(now - SECOND))
    second = next_frame(box).pts
    programme.publish(composite(now + SECOND))
    assert first < second < now + SECOND // 100
    assert next_frame(box).pts == now + SECOND


def test_files_read_fast_follow_each_other() -> None:
    """Each on its own line from 0; so does what stands for a frame or for a dead pipeline."""
    box: Mailbox[Frame] = Mailbox()
    programme = make(box, watch=False)
    out = []
    for pts in (0, SECOND, 2 * SECOND, 0, SECOND):
        programme.publish(composite(pts, SECOND))
        out.append(next_frame(box).pts)
    programme.fail("no matte", composite(2 * SECOND, SECOND))
    out.append(next_frame(box).pts)
    programme.fail("the pipeline has stopped")
    out.append(next_frame(box).pts)
    assert out == [i * SECOND for i in range(7)]


SECOND = 10**9


def test_a_composite_is_held_for_its_time() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    due = time.monotonic_ns() + SECOND // 20
    try:
        programme.publish(flat(320, 180, STAGE), due)
        assert programme.composites == 0
        assert is_composite(next_frame(box))
        assert time.monotonic_ns() >= due
    finally:
        programme.stop()


def test_and_goes_out_before_the_next() -> None:
    box: Mailbox[Frame] = Mailbox(lossless=True)
    programme = make(box)
    far = time.monotonic_ns() + 60 * SECOND
    try:
        programme.publish(replace(flat(320, 180, STAGE), pts=1), far)
        box.put(flat(320, 180, 1))  # full: what comes now would have to wait
        assert next_frame(box).y[0, 0] == 1
        programme.publish(replace(flat(320, 180, STAGE), pts=SECOND), far)
        assert next_frame(box).pts == 1
        programme.flush()
        assert next_frame(box).pts == SECOND
        assert box.empty
    finally:
        programme.stop()


@pytest.mark.parametrize("what", ["fail", "forget", "stop"])
def test_what_is_held_is_dropped(what: str) -> None:
    """After a failure nothing older may go out; nor an old background once there is another."""
    box: Mailbox[Frame] = Mailbox()
    programme = make(box)
    try:
        programme.publish(flat(320, 180, STAGE), time.monotonic_ns() + SECOND // 10)
        if what == "fail":
            programme.fail("the network gave NaN")
        else:
            getattr(programme, what)()
        found = box.get(0.3)
        assert found is None or not is_composite(found)
        assert programme.composites == 0
    finally:
        programme.stop()


def test_files_do_not_wait() -> None:
    box: Mailbox[Frame] = Mailbox()
    programme = make(box, watch=False)
    programme.publish(flat(320, 180, STAGE), time.monotonic_ns() + 60 * SECOND)
    assert programme.composites == 1
