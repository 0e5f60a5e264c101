"""Rates brought to 48 kHz in pieces: exact in length, without a click, in tune."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import InputError
from appliance.voices.resample import Resampler, to_48k

RATES = (8000, 8001, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000)


def sine(rate: int, hz: float, count: int) -> np.ndarray:
    return np.rint(20_000 * np.sin(2 * np.pi * hz * np.arange(count) / rate)).astype(np.int16)


@pytest.mark.parametrize("rate", RATES)
def test_pieces_of_any_size_give_the_same_as_the_whole(rate):
    count = rate // 3 + 17
    sound = sine(rate, 440, count)
    whole = to_48k(sound, rate)
    assert whole.shape == ((count * 48_000 + rate // 2) // rate, 2)
    assert (whole[:, 0] == whole[:, 1]).all()
    sizes = np.random.default_rng(rate).integers(0, 700, 10_000)
    resampler, parts, at = Resampler(rate), [], 0
    for size in sizes:
        parts.append(resampler.push(sound[at : at + size]))
        at += size
        if at >= count:
            break
    parts.append(resampler.flush())
    assert (np.concatenate(parts) == whole).all()


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_pitch_level_and_place(rate):
    hz = 0.3 * min(rate, 48_000)
    found = to_48k(sine(rate, hz, rate // 4), rate)[2000:-2000, 0].astype(float)
    expected = 20_000 * np.sin(2 * np.pi * hz * np.arange(2000, 2000 + len(found)) / 48_000)
    # Of a rate that shares no factor with 48,000 the nearest of 1280 phases is taken.
    assert np.abs(found - expected).std() < (15 if rate == 8001 else 2)


def test_what_48_khz_cannot_hold_is_not_folded_into_it():
    assert np.abs(to_48k(sine(96_000, 30_000, 40_000), 96_000)[2000:-2000]).max() <= 1


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_nothing_is_held_back_for_long_nor_kept(rate):
    resampler, given = Resampler(rate), 0
    for i in range(1, 501):
        given += len(resampler.push(np.zeros(rate // 100, np.int16)))
        assert 480 * i - given < 0.008 * 48_000
    assert len(resampler._kept) < 200
    assert given + len(resampler.flush()) == 500 * (rate // 100) * 48_000 // rate


def test_after_the_end_it_begins_anew():
    resampler = Resampler(24_000)
    sound = sine(24_000, 1000, 999)
    first = np.concatenate([resampler.push(sound), resampler.flush()])
    second = np.concatenate([resampler.push(sound), resampler.flush()])
    assert (first == second).all()
    assert len(resampler.flush()) == 0


def test_full_scale_is_cut_off_and_does_not_wrap():
    square = np.repeat(np.tile(np.array([32767, -32768], np.int16), 50), 40)
    found = to_48k(square, 44_100)[:, 0].astype(int)
    middle = found[500:-500]
    assert middle.max() == 32767
    assert middle.min() == -32768
    assert (np.abs(np.diff(middle)) < 60_000).all()


@pytest.mark.parametrize("rate", [0, -1, 7999, 192_001])
def test_other_rates_are_refused(rate):
    with pytest.raises(InputError, match="expected 8000 to 192000"):
        Resampler(rate)
