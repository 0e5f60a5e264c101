"""The ring in which sound waits for its pictures: nothing is lost, gaps are counted silence."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.media.audio import RATE, AudioBlock, position, time_of
from appliance.media.audio_ring import FADE, HELD, AudioRing
from appliance.media.stretch import faded_in, faded_out
from tests.media.sounds import I16, clicks, onsets, sine

MS = 1_000_000


def tone(count: int, first: int = 0) -> I16:
    """Samples that say which they are."""
    numbers = (np.arange(first, first + count) % 20_000 + 1).astype(np.int16)
    return np.stack((numbers, numbers), axis=1)


def put(ring: AudioRing, first: int, count: int, at: int | None = None, **more: bool) -> None:
    ring.put(AudioBlock(tone(count, first), time_of(first if at is None else at), **more))


def take(ring: AudioRing, until: int, patience: int = 0) -> np.ndarray:
    return ring.take(time_of(until), patience).samples[:, 0]


def test_blocks_that_join_on_come_out_as_they_went_in() -> None:
    ring = AudioRing()
    assert len(take(ring, 48_000)) == 0
    out = []
    for k in range(400):  # more than the ring holds, in blocks of an odd size
        put(ring, 48_000 + 1023 * k, 1023)
        out.append(take(ring, 48_000 + 1023 * k + 700, 100 * MS))
    got = np.concatenate(out)
    want = tone(len(got), 48_000)[:, 0]
    # The first 10 ms are faded in.
    assert (got[FADE:] == want[FADE:]).all()
    assert (ring.missing, ring.cut, ring.late) == (0, 0, 0)


def test_where_none_came_there_is_silence_and_it_is_counted() -> None:
    ring = AudioRing()
    take(ring, 0)
    put(ring, 0, 4800)
    put(ring, 9600, 4800)
    got = take(ring, 14_400)
    assert (got[FADE : 4800 - FADE] == tone(4800)[FADE : 4800 - FADE, 0]).all()
    assert not got[4800:9600].any()
    assert (got[9600 + FADE :] == tone(4800, 9600)[FADE:, 0]).all()
    assert ring.cut == 1
    assert ring.missing == 4800
    assert len(take(ring, 19_200)) == 4800
    assert ring.missing == 9600


def test_what_is_not_to_come_is_neither_waited_for_nor_missing() -> None:
    ring = AudioRing()
    take(ring, 0)
    ring.expect(False)
    assert len(take(ring, 4800, 400 * MS)) == 4800
    assert ring.missing == 0
    ring.expect(True)
    assert len(take(ring, 9600, 400 * MS)) == 0, "it is announced, so it is waited for"
    put(ring, 4800, 4800)
    assert len(take(ring, 9600, 400 * MS)) == 4800 - FADE
    ring.expect(False)
    assert len(take(ring, 9600, 400 * MS)) == FADE


def test_what_comes_after_its_time_was_sent_is_left_out() -> None:
    ring = AudioRing()
    take(ring, 0)
    put(ring, 0, 480)
    assert len(take(ring, 4800)) == 4800
    assert ring.missing == 4320
    put(ring, 480, 9600)
    assert ring.late == 4320
    assert (take(ring, 9600)[FADE:] == tone(4800, 4800)[FADE:, 0]).all()


def test_it_is_waited_for_within_a_bound() -> None:
    ring = AudioRing()
    take(ring, 0)
    put(ring, 0, 2400)
    assert len(take(ring, 4800, 100 * MS)) == 2400 - FADE, "the last of it may yet have to fade"
    put(ring, 2400, 2400)
    assert len(take(ring, 9600, 100 * MS)) == 2400
    assert ring.missing == 0
    assert len(take(ring, 14_400, 100 * MS)) == 4800 + FADE, "200 ms behind: 100 of silence"
    assert ring.missing == 4800


@pytest.mark.parametrize("clock", [1.0002, 0.9998])
@pytest.mark.parametrize("hours", [1 / 30, pytest.param(1, marks=pytest.mark.soak)])
def test_a_clock_that_runs_off_is_followed_without_a_cut(clock: float, hours: float) -> None:
    """The samples come a little too fast or too slowly: never 5 ms off, no click, no lost one."""
    ring = AudioRing()
    ring.take(0)
    length, count, worst = 0, 1920, 0
    tail = sine(0)
    for k in range(int(hours * 3600 * RATE / count)):
        at = round(count * k * clock)
        ring.put(AudioBlock(sine(count, count * k), time_of(at)))
        assert ring.end is not None
        worst = max(worst, abs(position(ring.end) - round(count * (k + 1) * clock)))
        got = ring.take(time_of(at), 400 * MS).samples
        length += len(got)
        if k > 10:
            assert clicks(np.concatenate((tail, got))) < 1.2
        tail = got[-2:]
    assert worst < RATE * 5 // 1000
    assert (ring.cut, ring.missing, ring.late) == (0, 0, 0)
    assert abs(length - count * k * clock) < 2000


def heard(ring: AudioRing, samples: int, patience: int = 0) -> I16:
    """What is taken, picture by picture, after what was taken so far."""
    begun = ring.take(0).pts
    step = RATE // 30
    blocks = [
        ring.take(begun + time_of(k * step), patience).samples for k in range(1, samples // step)
    ]
    return np.concatenate(blocks)


@pytest.mark.parametrize("by", [-9600, -4800, -3000, 3000, 4800, 9600])
def test_a_jump_is_cut_once_and_makes_no_click(by: int) -> None:
    ring = AudioRing()
    ring.take(0)
    ring.put(AudioBlock(sine(24_000), 0))
    for k in range(10):
        ring.put(AudioBlock(sine(4800, 4800 * k + 17), time_of(24_000 + by + 4800 * k)))
    got = heard(ring, 60_000)
    assert ring.cut == 1
    assert clicks(got) < 1.2
    # Where the new one says that it lies, it lies.
    at = 24_000 + max(by, 0) + FADE
    first = at - 24_000 - by + 17
    assert np.array_equal(got[at : at + 20_000], sine(20_000, first))


def test_the_newer_one_counts_where_two_overlap() -> None:
    ring = AudioRing()
    ring.take(0)
    put(ring, 0, 9600)
    put(ring, 12_000, 4800, at=4800, restart=True)
    got = take(ring, 9600)
    assert (got[4800 + FADE :] == tone(4800, 12_000)[FADE:, 0]).all()
    assert ring.cut == 0, "the source said that it begins anew"


def test_a_round_of_a_loop_joins_on_to_the_sample() -> None:
    """Whole periods in each round: the seam is not to be found, over many rounds."""
    ring = AudioRing()
    ring.take(0)
    for k in range(50):
        # Times as they come out of nanoseconds that were rounded down.
        begins = k * 999_999_999
        for part in range(10):
            block = sine(4800, 4800 * part)
            ring.put(AudioBlock(block, begins + part * 100 * MS, restart=part == 0))
        got = take(ring, (k + 1) * RATE - 4800)
        want = sine(len(got), k * RATE - 4800 if k else 0)[:, 0]
        assert np.array_equal(got[FADE:], want[FADE:])
        assert k == 0 or np.array_equal(got, want)
    assert (ring.missing, ring.cut, ring.late) == (0, 0, 0)


@pytest.mark.parametrize("longer", [-900, -100, 100, 900])
def test_a_loop_whose_sound_has_another_length_begins_where_its_picture_does(longer: int) -> None:
    ring = AudioRing()
    ring.take(0)
    for k in range(6):
        # A beep at its start, and a tone that is cut off in the middle at its end.
        sound = sine(RATE + longer, hertz=300, peak=4000)
        sound[:1920] = faded_out(sine(1920), FADE)
        sound[1920:] = faded_in(sound[1920:], FADE)
        ring.put(AudioBlock(sound, time_of(k * RATE), restart=True))
    got = heard(ring, 5 * RATE)
    assert clicks(got[FADE:]) < 1.5
    for k, at in enumerate(onsets(got[:, 0], 10_000)):
        assert abs(at - k * RATE) < RATE * 5 // 1000
    assert ring.cut == 0


def test_sound_that_stops_and_comes_back_makes_no_click() -> None:
    ring = AudioRing()
    ring.take(0)
    out, sent = [], 0
    for k in range(60):
        if not 20 <= k < 40:
            ring.put(AudioBlock(sine(1600, 1600 * k), time_of(1600 * k)))
        out.append(ring.take(time_of(1600 * k), 100 * MS).samples)
        sent += len(out[-1])
    got = np.concatenate(out)
    assert clicks(got) < 1.2
    # What fell silent, less what the last blocks brought once they had to be late.
    assert ring.missing == pytest.approx(20 * 1600, abs=2 * FADE)
    assert not got[32_000 : 32_000 + 20 * 1600].any()
    assert len(got) == sent >= 55 * 1600


def test_another_source_takes_over_without_a_click_and_the_old_one_is_not_heard() -> None:
    ring, old, new = AudioRing(), object(), object()
    ring.use(old)
    ring.expect(True, by=old)
    ring.take(0)
    ring.put(AudioBlock(sine(24_000), 0), by=old)
    ring.put(AudioBlock(sine(48_000, hertz=3000), 0), by=new)
    ring.use(new)
    ring.expect(True, by=new)
    ring.put(AudioBlock(sine(4800, hertz=3000), time_of(24_000)), by=old)
    ring.put(AudioBlock(sine(24_000, 31), time_of(20_000)), by=new)
    got = heard(ring, 40_000)
    assert clicks(got) < 1.2
    assert np.array_equal(got[20_000 + FADE :], sine(len(got) - 20_000 - FADE, 31 + FADE))
    assert ring.cut == 0


def test_what_a_new_source_said_before_it_was_heard_is_not_late() -> None:
    ring, new = AudioRing(), object()
    ring.take(0)
    ring.put(AudioBlock(sine(48_000), 0))
    ring.take(time_of(24_000))
    ring.use(new)
    for k in range(10):
        ring.put(AudioBlock(sine(4800, 4800 * k), time_of(4800 * k)), by=new)
    got = ring.take(time_of(48_000)).samples
    assert np.array_equal(got[FADE:-FADE], sine(24_000 - 2 * FADE, 24_000 + FADE))
    assert (ring.cut, ring.late) == (0, 0)


@pytest.mark.parametrize(("before", "after"), [(0, 200), (200, 0), (0, 30), (1000, 990)])
def test_the_delay_changes_at_once_and_without_a_click(before: int, after: int) -> None:
    ring = AudioRing()
    ring.delay(before * MS)
    ring.take(0)
    out = []
    for k in range(40):
        if k == 20:
            ring.delay(after * MS)
        ring.put(AudioBlock(sine(4800, 4800 * k), time_of(4800 * k)))
        out.append(ring.take(time_of(4800 * k), 400 * MS).samples)
    got = np.concatenate(out)
    assert clicks(got) < 1.2
    lag = after * RATE // 1000
    assert np.array_equal(got[-4000:], sine(4000, len(got) - 4000 - lag))
    assert ring.cut == 0


def test_a_source_that_is_far_behind_is_cut_once_and_heard_once_it_has_caught_up() -> None:
    ring = AudioRing()
    ring.take(0)
    ring.put(AudioBlock(sine(24_000), 0))
    first = ring.take(time_of(20_000)).samples
    for k in range(10):
        ring.put(AudioBlock(sine(2400, 2400 * k + 5), time_of(10_000 + 2400 * k)))
    got = np.concatenate((first, heard(ring, 40_000)))
    assert clicks(got[:34_000]) < 1.2
    assert ring.cut == 1
    assert ring.late == 10_000
    assert np.array_equal(got[21_000:33_000], sine(12_000, 11_005))


def test_a_clock_that_leaps_makes_no_hour_of_silence() -> None:
    ring = AudioRing()
    take(ring, 0)
    assert len(take(ring, 3600 * RATE)) == 2 * RATE
    put(ring, 0, 960, at=7200 * RATE)
    assert len(take(ring, 7200 * RATE + 960)) == 2 * RATE + 960


def test_a_line_that_begins_anew_goes_on_from_there() -> None:
    """Another file that is read as fast as possible: its times begin at 0 again."""
    ring = AudioRing()
    take(ring, 0)
    put(ring, 0, 48_000)
    take(ring, 48_000)
    put(ring, 0, 48_000, at=0, restart=True)
    ring.turn_back(0)
    got = take(ring, 24_000)
    assert len(got) == 24_000


@given(st.lists(st.tuples(st.integers(-300, 300), st.integers(1, 3000), st.booleans(),
                          st.integers(0, 400)), max_size=40))  # fmt: skip
def test_whatever_comes_what_goes_out_is_whole(
    blocks: list[tuple[int, int, bool, int]],
) -> None:
    """Each block joins on to the last, no sample is sent twice, and silence is really silent."""
    ring = AudioRing()
    at, until = 10 * RATE, 10 * RATE
    following = position(ring.take(time_of(until)).pts)
    for jump, count, restart, step in blocks:
        at = max(0, at + jump * RATE // 1000)
        ring.put(AudioBlock(tone(count), time_of(at), restart))
        at += count
        until += step * RATE // 1000
        got = ring.take(time_of(until), 100 * MS)
        assert position(got.pts) == following
        following = position(got.pts) + len(got.samples)
        assert following <= until
    assert len(ring.take(time_of(until + 2 * HELD)).samples) <= HELD + 2 * RATE


def test_one_puts_while_another_takes() -> None:
    """From two threads, in blocks of any size: every sample once and in its order."""
    ring, order = AudioRing(), random.Random(3)
    ring.take(0)
    total, moved = 20 * RATE, threading.Condition()
    done = got = 0

    def room() -> bool:
        return done - got < HELD // 2

    def more() -> bool:
        return done - FADE > got

    def fill() -> None:
        nonlocal done
        while done < total:
            count = min(order.randrange(1, 2000), total - done)
            put(ring, done, count)
            with moved:
                done += count
                moved.notify_all()
                assert moved.wait_for(room, 5)

    thread = threading.Thread(target=fill)
    thread.start()
    out: list[np.ndarray] = []
    while got < total - FADE:
        with moved:
            assert moved.wait_for(more, 5)
            until = done
        out.append(take(ring, until, 400 * MS))
        with moved:
            got += len(out[-1])
            moved.notify_all()
    thread.join(5)
    assert not thread.is_alive()
    every = np.concatenate(out)
    assert np.array_equal(every[FADE:], tone(len(every))[FADE:, 0])
    assert (ring.missing, ring.cut, ring.late) == (0, 0, 0)
