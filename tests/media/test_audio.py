"""The line on which sound waits for its pictures: nothing is lost, gaps are counted silence."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.audio import RATE, AudioBlock, AudioQueue, AudioRing, position, time_of

MS = 1_000_000


def tone(count: int, first: int = 0) -> np.ndarray:
    """Samples that say which they are."""
    numbers = (np.arange(first, first + count) % 20_000 + 1).astype(np.int16)
    return np.stack((numbers, numbers), axis=1)


def put(line: AudioRing, first: int, count: int, at: int | None = None, **more: bool) -> None:
    line.put(AudioBlock(tone(count, first), time_of(first if at is None else at), **more))


def take(line: AudioRing, until: int, patience: int = 0) -> np.ndarray:
    return line.take(time_of(until) + 1, patience).samples[:, 0]


def test_blocks_that_join_on_come_out_as_they_went_in() -> None:
    line = AudioRing()
    assert len(take(line, 48_000)) == 0
    out = []
    for k in range(400):  # more than the ring holds, in blocks of an odd size
        put(line, 48_000 + 1023 * k, 1023)
        out.append(take(line, 48_000 + 1023 * k + 700))
    got = np.concatenate(out)
    want = tone(len(got), 48_000)[:, 0]
    # The first 10 ms are faded in.
    assert (got[480:] == want[480:]).all()
    assert (line.missing, line.cut, line.late) == (0, 0, 0)


def test_where_none_came_there_is_silence_and_it_is_counted() -> None:
    line = AudioRing()
    take(line, 0)
    put(line, 0, 4800)
    put(line, 9600, 4800)
    got = take(line, 14_400)
    assert (got[481:4800] == tone(4800)[481:, 0]).all()
    assert not got[4800 + 480 : 9600].any(), "the last sample fades out, then nothing"
    assert (got[9600 + 481 :] == tone(4800, 9600)[481:, 0]).all()
    assert line.cut == 1
    assert len(take(line, 19_200)) == 4800
    assert line.missing == 4800


def test_what_comes_after_its_time_was_sent_is_left_out() -> None:
    line = AudioRing()
    take(line, 0)
    put(line, 0, 480)
    assert len(take(line, 4800)) == 4800
    assert line.missing == 4320
    put(line, 480, 9600)
    assert line.late == 4320
    assert (take(line, 9600) == tone(4800, 4800)[:, 0]).all()


def test_it_is_waited_for_within_a_bound() -> None:
    line = AudioRing()
    take(line, 0)
    put(line, 0, 2400)
    assert len(take(line, 4800, 100 * MS)) == 2400
    put(line, 2400, 2400)
    assert len(take(line, 9600, 100 * MS)) == 2400
    assert line.missing == 0
    assert len(take(line, 14_400, 100 * MS)) == 4800, "200 ms behind: 100 of silence"
    assert line.missing == 4800


@pytest.mark.parametrize("clock", [1.0005, 0.9995])
def test_a_clock_that_runs_off_is_followed_without_a_cut(clock: float) -> None:
    """Ten minutes of a source whose samples come a little too fast or too slowly."""
    line = AudioRing()
    take(line, 0)
    length = 0
    for k in range(30_000):
        at = round(960 * k * clock)
        line.put(AudioBlock(tone(960), time_of(at)))
        assert line.end is not None
        assert abs(position(line.end) - round(960 * (k + 1) * clock)) < RATE * 5 // 1000
        length += len(take(line, at))
    assert (line.cut, line.missing, line.late) == (0, 0, 0)
    assert abs(length - 960 * 30_000 * clock) < 2000


def test_a_jump_back_and_a_new_beginning_are_cut_once() -> None:
    line = AudioRing()
    take(line, 0)
    put(line, 0, 9600)
    put(line, 4800, 9600)  # overlaps by 100 ms
    assert line.cut == 1
    put(line, 0, 4800, at=14_400, restart=True)
    assert line.cut == 2
    assert len(take(line, 19_200)) == 19_200
    assert (line.missing, line.late) == (0, 0)


def test_a_clock_that_leaps_makes_no_hour_of_silence() -> None:
    line = AudioRing()
    take(line, 0)
    assert len(take(line, 3600 * RATE)) == 2 * RATE
    put(line, 0, 960, at=7200 * RATE)
    assert len(take(line, 7200 * RATE + 960)) == 2 * RATE


def test_an_output_that_hangs_costs_no_memory() -> None:
    queue = AudioQueue()
    for k in range(1200):
        queue.put(AudioBlock(tone(480), time_of(480 * k)))
    kept = queue.take()
    assert sum(len(sound.samples) for sound in kept) == 10 * RATE
    assert queue.lost == 200 * 480
    assert queue.take() == []
