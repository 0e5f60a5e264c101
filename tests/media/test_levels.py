"""Gain without clicks or wrap-around, and the meter."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.audio import RATE
from appliance.media.levels import QUIETEST_DB, Gain, Meter, decibels, gain_of
from tests.media.sounds import clicks, sine


def test_nothing_is_done_to_sound_that_is_left_as_it_is() -> None:
    samples = sine(4800)
    assert Gain().apply(samples, 1.0) is samples


@pytest.mark.parametrize("block", [37, 480, 1600])
@pytest.mark.parametrize(("before", "after"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.4), (1.0, 1.5)])
def test_a_gain_moves_in_ten_milliseconds_without_a_click(
    before: float, after: float, block: int
) -> None:
    gain, out = Gain(), []
    for first in range(0, 9600, block):
        count = min(block, 9600 - first)
        out.append(gain.apply(sine(count, first), before if first < 4800 else after))
    got = np.concatenate(out)
    assert clicks(got, peak=20_000 * max(before, after)) < 1.5
    assert np.array_equal(got[:4800], np.rint(sine(4800) * before))
    late = 4800 + block + RATE // 100
    assert np.array_equal(got[late:], np.rint(sine(9600 - late, late) * after))


def test_what_is_too_loud_is_clipped_and_counted_and_never_wraps() -> None:
    gain, samples = Gain(), np.array([[32767, -32768], [20_000, -20_000], [0, 1]], np.int16)
    got = gain.apply(samples, gain_of(20))
    assert got.tolist() == [[32767, -32768], [32767, -32768], [0, 10]]
    assert gain.clipped == 4


@pytest.mark.parametrize("db", [-60, -20, -6, 0])
def test_the_meter_reads_a_tone_by_its_level(db: float) -> None:
    meter = Meter()
    meter.add(sine(RATE, peak=32767 * gain_of(db)))
    assert meter.level_db == pytest.approx(db, abs=0.1)
    assert meter.peak_db == pytest.approx(db, abs=0.1)
    meter.add(np.zeros((RATE, 2), np.int16))
    assert meter.level_db == meter.peak_db == QUIETEST_DB
    assert decibels(0) == decibels(1e-9) == QUIETEST_DB
