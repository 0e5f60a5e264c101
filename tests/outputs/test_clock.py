"""Presentation times of live streams and of recordings."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.outputs.clock import MAX_GAP_NS, MIN_STEP_NS, ArrivalClock, RecordingClock

PERIOD = 33_333_333


def stamps(arrivals: list[int]) -> list[int]:
    """What an ArrivalClock makes of them."""
    clock = ArrivalClock(PERIOD)
    return [clock.stamp(now) for now in arrivals]


def test_a_steady_source_is_stamped_as_it_comes() -> None:
    arrivals = [5 * PERIOD + i * PERIOD for i in range(50)]
    assert stamps(arrivals) == arrivals


@pytest.mark.parametrize("seed", range(5))
def test_jitter_shrinks_and_times_rise_and_never_lie_ahead(seed: int) -> None:
    rng = np.random.default_rng(seed)
    late = rng.integers(0, 6_000_000, 300)
    arrivals = [10**9 + i * PERIOD + int(late[i]) for i in range(300)]
    out = stamps(arrivals)
    steps = np.diff(out)
    assert (steps > 0).all()
    assert all(stamp <= now for stamp, now in zip(out, arrivals, strict=True))
    assert steps[50:].std() < np.diff(arrivals)[50:].std() / 2


def test_dropped_frames_leave_a_gap() -> None:
    arrivals = [i * PERIOD for i in (*range(20), *range(25, 40))]
    steps = np.diff(stamps(arrivals))
    assert steps.max() == 6 * PERIOD


def test_a_placeholder_at_ten_frames_a_second_keeps_its_own_pace() -> None:
    slow = [i * PERIOD for i in range(20)] + [20 * PERIOD + i * 10**8 for i in range(20)]
    steps = np.diff(stamps(slow))
    assert set(steps[20:].tolist()) == {10**8}


def test_a_source_slower_than_it_said_is_followed_without_jumps() -> None:
    arrivals = [i * 40_000_000 for i in range(400)]
    steps = np.diff(stamps(arrivals))[200:]
    assert abs(steps - 40_000_000).max() < 1_000_000


def test_two_frames_at_the_same_moment_still_rise() -> None:
    assert stamps([100, 100, 100]) == [100, 100 + MIN_STEP_NS, 100 + 2 * MIN_STEP_NS]


def test_a_recording_starts_at_nought_and_keeps_gaps() -> None:
    clock = RecordingClock(PERIOD)
    given = [7 * 10**9 + i * PERIOD for i in (0, 1, 2, 5, 6)]
    assert [clock.stamp(pts) for pts in given] == [i * PERIOD for i in (0, 1, 2, 5, 6)]


@pytest.mark.parametrize("jump", [-5 * 10**9, MAX_GAP_NS + PERIOD, 0])
def test_a_recording_takes_a_mad_time_for_one_frame(jump: int) -> None:
    clock = RecordingClock(PERIOD)
    clock.stamp(10**10)
    assert clock.stamp(10**10 + jump) == PERIOD
    assert clock.stamp(10**10 + jump + PERIOD) == 2 * PERIOD
