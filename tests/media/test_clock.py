"""The one clock, against simulated sources whose true times are known: hours in milliseconds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.media.clock import MIN_STEP_NS, NO_TIME, Entered, SourceClock

SECOND = 10**9
PERIOD = SECOND // 30
HOUR = 3600 * SECOND
BOOT = 8 * HOUR
"""The appliance's clock when the source begins."""

Times = NDArray[np.int64]


def live(stamps: Times, arrivals: Times, period: int = PERIOD) -> list[Entered]:
    """What a live source's clock makes of these."""
    clock = SourceClock("live", period)
    pairs = zip(stamps.tolist(), arrivals.tolist(), strict=True)
    return [clock.enter(stamp, arrived) for stamp, arrived in pairs]


def pts_of(placed: list[Entered]) -> Times:
    """Their times; fails unless they rise."""
    pts = np.array([one.pts for one in placed])
    assert np.diff(pts).min() >= MIN_STEP_NS
    return pts


def made(seconds: float, period: float = PERIOD) -> Times:
    """When frames were made, on the appliance's clock."""
    return BOOT + (np.arange(int(seconds * SECOND / period)) * period).astype(np.int64)


def jitter(count: int, seed: int = 0, mean_ms: float = 6.0, held_up: float = 0.005) -> Times:
    """Delays on the way: at least 0, exponential; a share of frames is held up for 100 ms more."""
    rng = np.random.default_rng(seed)
    late = rng.exponential(mean_ms * 1e6, count) + (rng.random(count) < held_up) * 100e6
    return late.astype(np.int64)


@pytest.mark.parametrize("fps", [(30, 1), (60000, 1001), (1, 1)])
@pytest.mark.parametrize("ppm", [-300, 0, 300])
def test_a_cameras_drift_is_followed_for_hours(ppm: int, fps: tuple[int, int]) -> None:
    """Each stamp is true to within half a frame, and the steps are as even as the camera's."""
    period = SECOND * fps[1] / fps[0]
    true = made(min(30_000 * period / SECOND, 4 * 3600), period)
    stamps = ((true - BOOT) * (1 + ppm / 1e6)).astype(np.int64) + 12345
    arrived = np.maximum.accumulate(true + 30_000_000 + jitter(len(true)))
    pts = pts_of(live(stamps, arrived, int(period)))
    # After the first second; the least delay, 30 ms, is part of what a frame's entering means.
    settled = true > BOOT + 3 * SECOND
    error = (pts - true - 30_000_000)[settled]
    assert np.abs(error).max() < period / 2
    assert np.abs(error).max() < 8_000_000
    steps = np.diff(pts[settled])
    assert np.abs(steps - period).max() < max(6_000_000, period / 20)
    assert np.std(steps) < np.std(np.diff(arrived[settled])) / 8
    assert (pts <= arrived).all()


def test_a_drift_of_hours_does_not_add_up() -> None:
    """100 ppm for twelve hours is 4.3 s."""
    true = made(12 * 3600, SECOND)
    stamps = ((true - BOOT) * (1 - 1e-4)).astype(np.int64)
    pts = pts_of(live(stamps, true + jitter(len(true), 3, 2.0), SECOND))
    assert abs(int(pts[-1] - true[-1])) < 20_000_000


@pytest.mark.parametrize("by", [-HOUR, HOUR, -1, -3 * PERIOD, 10**17, -(2**32) * SECOND // 90_000])
def test_stamps_that_jump_or_wrap_change_nothing(by: int) -> None:
    true = made(20)
    stamps = true - BOOT + 2**32 * SECOND // 90_000
    stamps[300:] += by
    placed = live(stamps, true + jitter(len(true), 1))
    pts = pts_of(placed)
    assert np.abs(pts - true)[100:].max() < PERIOD / 2
    jumps = [index for index, one in enumerate(placed) if one.jump]
    assert jumps == ([] if by == -1 else [300])


@pytest.mark.parametrize("what", ["none", "all the same", "every third missing"])
def test_without_stamps_the_arrivals_decide(what: str) -> None:
    true = made(60)
    stamps = true - BOOT
    if what == "every third missing":
        stamps[::3] = NO_TIME
    else:
        stamps[:] = NO_TIME if what == "none" else 7
    arrived = true + np.random.default_rng(2).integers(0, 12_000_000, len(true))
    pts = pts_of(live(stamps, arrived))
    assert np.abs(pts - true)[100:].max() < PERIOD / 2
    assert np.std(np.diff(pts)[100:]) < np.std(np.diff(arrived)[100:]) / 2


@pytest.mark.parametrize("speed", [0.13, 0.5, 0.9, 1.1, 3.0])
def test_stamps_at_a_wrong_speed_are_found_out(speed: float) -> None:
    """A camera that counts 30 frames to the second and gives 4, or 27, or 90."""
    true = made(40, PERIOD / speed)
    stamps = np.arange(len(true)) * PERIOD
    pts = pts_of(live(stamps, true + jitter(len(true), 4, 1.0, 0.0)))
    late = true > BOOT + 12 * SECOND
    assert np.abs(pts - true)[late].max() < max(PERIOD / speed / 2, 10_000_000)
    assert np.median(np.diff(pts[late])) == pytest.approx(PERIOD / speed, rel=0.1)


def test_a_variable_rate_is_kept() -> None:
    """A camera that slows down in the dark: its steps are its own."""
    rng = np.random.default_rng(5)
    true = BOOT + np.cumsum(rng.choice([PERIOD, 2 * PERIOD, 4 * PERIOD], 3000))
    pts = pts_of(live(true - BOOT, true + jitter(len(true), 6)))
    assert np.abs(pts - true)[100:].max() < PERIOD / 2


def test_frames_lost_leave_their_gap() -> None:
    true = np.delete(made(20), slice(300, 345))
    placed = live(true - BOOT, true + jitter(len(true), 7))
    assert np.abs(pts_of(placed) - true)[100:].max() < PERIOD / 2
    assert not any(one.jump for one in placed)


@pytest.mark.parametrize("counts", [True, False])
def test_a_stream_that_stood_still_goes_on_at_once(counts: bool) -> None:
    """The process was stopped, or the machine slept: the camera counted on, or did not."""
    true = made(20)
    true[300:] += 5 * SECOND
    stamps = true - BOOT
    if not counts:
        stamps[300:] -= 5 * SECOND
    pts = pts_of(live(stamps, true + jitter(len(true), 8, held_up=0.0)))
    assert np.abs(pts - true)[100:].max() < PERIOD


def test_a_machine_that_slept_while_the_camera_counted_on() -> None:
    """Our clock stands still in a suspended machine: the stamps jump ahead, and time does not."""
    true = made(20)
    stamps = true - BOOT
    stamps[300:] += HOUR
    placed = live(stamps, true)
    assert np.abs(pts_of(placed) - true).max() < PERIOD / 2
    assert placed[300].jump


def test_a_burst_after_a_hold_up_leads_nobody_astray() -> None:
    true = made(20)
    arrived = true.copy()
    arrived[300:330] = np.maximum(arrived[300:330], true[330])
    pts = pts_of(live(true - BOOT, arrived))
    assert (pts <= arrived + 30 * MIN_STEP_NS).all()
    assert np.abs(pts - true)[340:].max() < PERIOD / 2


def test_a_longer_way_is_accepted_in_time() -> None:
    """The network's path grew by 120 ms: steps stay even while the stamps move after it."""
    true = made(60)
    arrived = true + np.where(np.arange(len(true)) < 600, 0, 120_000_000)
    pts = pts_of(live(true - BOOT, arrived))
    assert np.abs(np.diff(pts) - PERIOD).max() < PERIOD / 20
    assert (arrived - pts)[-1] < 1_000_000


def test_another_connection_begins_when_it_begins() -> None:
    """A reconnect: the time it took is not lost, and the new stream's stamps are its own."""
    clock = SourceClock("live", PERIOD)
    before = [clock.enter(i * PERIOD, BOOT + i * PERIOD, restart=i == 0).pts for i in range(60)]
    again = before[-1] + 700_000_000
    after = [clock.enter(9 + i * PERIOD, again + i * PERIOD, restart=i == 0) for i in range(60)]
    assert [one.pts for one in after] == [again + i * PERIOD for i in range(60)]
    assert after[0].jump


@pytest.mark.parametrize("fps", [0.05, 0.25, 1, 29.97, 240])
def test_the_sources_own_interval_is_known(fps: float) -> None:
    """Though it claims 30, as cameras do."""
    true = made(12 / fps, SECOND / fps)
    placed = live(true - BOOT, true)
    assert placed[1].duration == pytest.approx(SECOND / fps, rel=0.01)
    assert placed[-1].duration == pytest.approx(SECOND / fps, rel=0.01)


def test_sound_is_mapped_as_the_picture_was() -> None:
    """Buffers of 20 ms between pictures, by a camera's clock, which drifts and starts anywhere."""
    clock, drift, origin = SourceClock("live", PERIOD), 1 + 2e-4, 77 * SECOND
    with pytest.raises(ValueError, match="no frame"):
        clock.at(origin)
    for i in range(20_000):
        true = BOOT + i * PERIOD
        clock.enter(origin + int(i * PERIOD * drift), true + 5_000_000)
        if i > 100:
            sound = clock.at(origin + int((i * PERIOD - 20_000_000) * drift))
            assert abs(sound - (true - 20_000_000 + 5_000_000)) < 1_500_000


# Files.


def test_a_paced_file_keeps_its_steps_and_the_clock() -> None:
    clock = SourceClock("paced", PERIOD)
    placed = [clock.enter(i * PERIOD, BOOT + 3 * i, duration=PERIOD) for i in range(100)]
    assert [one.pts for one in placed] == [BOOT + i * PERIOD for i in range(100)]


def test_a_late_frame_is_not_released_together_with_the_next() -> None:
    """A mailbox keeps one frame: of two at once, one would be lost."""
    clock = SourceClock("paced", 20_000_000)
    now, given = BOOT, []
    for i in range(8):
        # The machine was busy for three frames' time after the first.
        now += 60_000_000 if i == 1 else 0
        now = max(now, clock.due(clock.enter(i * 20_000_000, now).pts))
        clock.release(now)
        given.append(now)
    assert min(b - a for a, b in pairwise(given)) >= 12_000_000
    assert given[-1] == BOOT + 7 * 20_000_000, "it has not caught up"


def test_a_file_that_is_much_too_late_starts_its_schedule_anew() -> None:
    clock = SourceClock("paced", PERIOD)
    clock.enter(0, BOOT)
    late = BOOT + PERIOD + 2 * SECOND
    assert clock.enter(PERIOD, late).pts == late
    assert clock.enter(2 * PERIOD, late).pts == late + PERIOD


def test_a_loop_follows_the_last_frame_of_the_round_before() -> None:
    clock = SourceClock("own", 40)
    once = [clock.enter(t, 0, duration=50).pts for t in (0, 50, 100)]
    again = [clock.enter(t, 0, duration=50, restart=t == 0) for t in (0, 50)]
    assert once == [0, 50, 100]
    assert [(one.pts, one.jump) for one in again] == [(150, True), (200, False)]


def test_a_files_times_rise_whatever_it_says() -> None:
    ms = 1_000_000
    clock = SourceClock("own", 40 * ms)
    stamps = [1000, 1040, 1080, 900, 940, 19_000, 19_040, None, 19_120, 19_120, 19_160]
    placed = [clock.enter(NO_TIME if t is None else t * ms, 0) for t in stamps]
    times = [one.pts // ms for one in placed]
    assert times == [0, 40, 80, 120, 160, 200, 240, 280, 320, 360, 380]
    assert [index for index, one in enumerate(placed) if one.jump] == [3, 5]


@pytest.mark.parametrize("every", [SECOND, 4 * SECOND, 20 * SECOND])
def test_a_file_of_few_frames_keeps_its_time(every: int) -> None:
    clock = SourceClock("own", PERIOD)
    placed = [clock.enter(i * every, 0, duration=every) for i in range(5)]
    assert [one.pts for one in placed] == [i * every for i in range(5)]
    assert placed[-1].duration == every


def test_a_gif_plays_by_its_durations() -> None:
    clock = SourceClock("own", PERIOD)
    waits = (SECOND // 10, 5 * SECOND, SECOND // 5, SECOND // 5)
    placed = [clock.enter(0, 0, duration=wait) for wait in waits]
    assert [one.pts for one in placed] == [0, SECOND // 10, 51 * SECOND // 10, 53 * SECOND // 10]
    assert tuple(one.duration for one in placed) == waits
