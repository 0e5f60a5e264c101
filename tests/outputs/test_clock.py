"""Presentation times of live streams and recordings."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.outputs.clock import MAX_GAP_NS, MIN_STEP_NS, ArrivalClock, RecordingClock

PERIOD = 33_333_333


def stamps(arrivals: list[int]) -> list[int]:
    """The times that an ArrivalClock makes of them."""
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


def paced(arrivals: list[int], times: list[int]) -> np.ndarray:
    """The steps between an ArrivalClock's times for frames that carry their own times."""
    clock = ArrivalClock(PERIOD)
    out = [clock.stamp(now, pts) for now, pts in zip(arrivals, times, strict=True)]
    steps = np.diff(out)
    assert (steps > 0).all()
    assert all(stamp <= now for stamp, now in zip(out, arrivals, strict=True))
    return steps


@pytest.mark.parametrize("slow", [45_000_000, 60_000_000, 110_000_000])
def test_frames_made_slowly_and_quickly_by_turns_come_evenly(slow: int) -> None:
    """Shedding's pattern: a slow network frame, then a frame with a carried matte."""
    step = PERIOD if slow < 2 * PERIOD - 5_000_000 else 2 * PERIOD
    times = [10**12 + i * step for i in range(100)]
    arrivals, free = [], 0
    for i in range(100):
        free = max(free, i * step) + (5_000_000 if i % 2 else slow)
        arrivals.append(10**9 + free)
    steps = paced(arrivals, times)[20:]
    assert abs(steps - step).max() < step / 8
    assert np.diff(arrivals)[20:].std() > step / 5, "they did not arrive unevenly"


def test_frames_lost_leave_their_gap_though_the_next_one_is_late() -> None:
    times = [i * PERIOD for i in (*range(20), *range(25, 40))]
    arrivals = [10**9 + t for t in times]
    arrivals[20] += 20_000_000
    steps = paced(arrivals, times)
    assert steps[19] == pytest.approx(6 * PERIOD, rel=0.02)


@pytest.mark.parametrize("speed", [0.4, 0.9, 1.1, 3.0])
def test_times_that_go_at_another_speed_do_not_lead_astray(speed: float) -> None:
    """A file that the machine cannot decode in real time plays slowly: arrival is what counts."""
    arrivals = [10**9 + i * PERIOD for i in range(300)]
    steps = paced(arrivals, [round(i * PERIOD * speed) for i in range(300)])[30:]
    assert abs(steps - PERIOD).max() < PERIOD / 4


def test_times_that_jump_do_no_harm() -> None:
    times = [i * PERIOD for i in range(20)] + [7 * 10**12 + i * PERIOD for i in range(20)]
    times += [0, PERIOD]
    steps = paced([10**9 + i * PERIOD for i in range(42)], times)
    assert abs(steps - PERIOD).max() < PERIOD / 4


def test_a_stream_that_stood_still_goes_on_at_once() -> None:
    """Nothing arrived for a second, and the frames' own times do not show it."""
    arrivals = [i * PERIOD + (10**9 if i >= 20 else 0) for i in range(40)]
    steps = paced(arrivals, [i * PERIOD for i in range(40)])
    assert steps[19] == 10**9 + PERIOD


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
