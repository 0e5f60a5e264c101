"""Blocks of sound, their times, and the queue before an output."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from appliance.media.audio import RATE, AudioBlock, AudioQueue, position, silence, time_of


@given(st.integers(0, 400 * 24 * 3600 * RATE))
def test_a_sample_has_the_time_that_leads_back_to_it(sample: int) -> None:
    assert position(time_of(sample)) == sample
    # Also by way of times that were rounded down twice, as GStreamer's are.
    assert position(time_of(sample) - 1) == sample or sample == 0


def test_an_output_that_hangs_costs_no_memory() -> None:
    queue = AudioQueue()
    for k in range(1200):
        queue.put(AudioBlock(silence(480), time_of(480 * k)))
    kept = queue.take()
    assert sum(len(sound.samples) for sound in kept) == 10 * RATE
    assert queue.lost == 200 * 480
    assert queue.take() == []
    assert np.array_equal(kept[0].samples, silence(480))


def test_an_output_without_use_for_sound_gets_none_of_it_later() -> None:
    idle = False
    queue = AudioQueue(idle=lambda: idle)
    queue.put(AudioBlock(silence(480), 0))
    idle = True
    queue.put(AudioBlock(silence(480), time_of(480)))
    idle = False
    queue.put(AudioBlock(silence(480), time_of(960)))
    assert [sound.pts for sound in queue.take()] == [time_of(960)]
    assert queue.lost == 0
