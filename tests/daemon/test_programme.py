"""The programme: composites or the placeholder, and never a standstill."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from appliance.daemon.placeholder import slate
from appliance.daemon.programme import Programme, RisingTimes
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


def test_times_rise_whatever_the_source_does() -> None:
    second = 10**9
    times = RisingTimes(second // 30)
    stamps = [
        times.stamp(pts)
        for pts in (5 * second, 5 * second + 1, 0, second // 30, 900 * second, 900 * second, 3)
    ]
    stamps.append(times.after(second))
    stamps.append(times.stamp(7))
    assert stamps[0] == 0
    assert all(a < b for a, b in pairwise(stamps))
    assert stamps[-1] < 3 * second


def test_times_keep_the_sources_steps() -> None:
    times = RisingTimes(33_000_000)
    assert [times.stamp(p) for p in (100, 140, 190)] == [0, 40, 90]


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
