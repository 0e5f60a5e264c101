"""The test pattern's tone, and the beep that comes with the ball's change of colours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from appliance.config.settings import SourceSettings
from appliance.media.audio import RATE, position
from appliance.sources.demo import DemoSource
from appliance.sources.pattern import PatternSource
from tests.media.sounds import I16, clicks, onsets

SECONDS = 4


def watched(
    pattern: str, fps: tuple[int, int] = (30, 1), pace: str = "fast", **settings: str
) -> tuple[I16, list[tuple[float, float]]]:
    """The pattern's sound from 0 on, and for each picture its time and mean brightness."""
    asked = SourceSettings(uri="test://", size="160x90", fps=fps, pace=pace, **settings)
    source = PatternSource(asked, pattern)
    sounds, pictures = [], []
    source.open(None)
    try:
        while not pictures or pictures[-1][0] < SECONDS:
            frame = source.read(5)
            assert frame is not None
            pictures.append((frame.pts / 1e9, float(frame.y.mean())))
            sounds += source.sounds()
    finally:
        source.close()
    for one, other in itertools.pairwise(sounds):
        assert position(other.pts) == position(one.pts) + len(one.samples)
    assert [sound.restart for sound in sounds[:2]] in ([], [True, False])
    silent = np.zeros((0, 2), np.int16)
    begins = sounds[0].pts / 1e9 if sounds else 0.0
    seen = [(at - begins, mean) for at, mean in pictures]
    return np.concatenate([silent, *(sound.samples for sound in sounds)]), seen


def test_a_pattern_has_a_tone_of_1_khz_at_minus_20_dbfs() -> None:
    got, _ = watched("smpte")
    assert len(got) >= SECONDS * RATE
    assert np.abs(got).max() == round(32767 / 10)
    assert clicks(got, peak=3277) < 1.01
    found = np.abs(np.fft.rfft(got[:RATE, 0]))
    assert int(found.argmax()) == 1000
    assert found[1000] > 1000 * np.delete(found, 1000).max() / 2


@pytest.mark.parametrize(
    ("fps", "pace"),
    [((25, 1), "fast"), ((30, 1), "fast"), ((60_000, 1001), "fast"), ((60, 1), "realtime")],
)
def test_the_ball_turns_its_colours_when_it_beeps(fps: tuple[int, int], pace: str) -> None:
    got, pictures = watched("ball", fps, pace)
    bright = np.array([mean for _, mean in pictures])
    turns = [pictures[k + 1][0] for k in np.flatnonzero(np.abs(np.diff(bright)) > 50)]
    assert len(turns) >= SECONDS * fps[0] // fps[1] // 50 - 1 > 0
    beeps = np.array(onsets(got[:, 0], 300)) / RATE
    assert max(np.abs(beeps - turn).min() for turn in turns) < 0.001
    assert clicks(got, peak=3277) < 2


@pytest.mark.parametrize("sound", ["none", "pulse://"])
def test_it_is_silent_where_its_sound_is_not_wanted(sound: str) -> None:
    got, _ = watched("smpte", sound=sound)
    assert len(got) == 0


def test_the_demo_is_silent() -> None:
    assert not hasattr(DemoSource(SourceSettings(uri="demo://")), "sounds")
