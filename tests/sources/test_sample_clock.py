"""A sound card's clock against ours, over a long time, with blocks that arrive when they like."""

from __future__ import annotations

import random

import pytest

from appliance.media.audio import RATE, AudioBlock, silence
from appliance.media.audio_ring import AudioRing
from appliance.sources.sample_clock import SampleClock

MS = 1_000_000
START = 5_000_000_000_000


@pytest.mark.parametrize("card", [1.0002, 0.9998, 1.0])
@pytest.mark.parametrize("seconds", [60, pytest.param(3600, marks=pytest.mark.soak)])
def test_an_hour_with_a_card_that_is_wrong(card: float, seconds: int) -> None:
    """What is said at a time is sent for that time: 200 ppm off, 8 ms of jitter, 3 % stalls."""
    chance = random.Random(7)
    clock, ring = SampleClock(), AudioRing()
    ring.take(START)
    count = 960
    worst, arrived = 0, START
    for k in range(int(seconds * RATE * card / count)):
        # The card's sample n is taken when n / (RATE card) s have passed.
        taken = START + round(1e9 * count * (k + 1) / (RATE * card))
        late = chance.uniform(0.5, 8) if chance.random() > 0.03 else chance.uniform(20, 90)
        arrived = max(arrived, taken + int(late * MS))
        pts = clock.enter(count, arrived)
        if k < 10:
            continue
        ring.put(AudioBlock(silence(count), pts, restart=k == 10))
        ring.take(arrived - 150 * MS, 400 * MS)
        assert ring.end is not None
        # Where the block's last sample lies now, against when it was said.
        worst = max(worst, abs(ring.end - taken))
    assert 0 < worst < 5 * MS
    assert (ring.cut, ring.missing, ring.late) == (0, 0, 0)


def test_lost_samples_are_made_good_at_once_when_they_are_told() -> None:
    clock = SampleClock()
    for k in range(100):
        clock.enter(480, START + k * 10 * MS)
    clock.restart()
    assert clock.enter(480, START + 1200 * MS) == START + 1190 * MS
