"""Pictures at another rate, and the sound that goes with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.media.frame import Format
from appliance.tools.avatar.footage import Footage, FootagePart, chosen, look_through, usual_rate
from appliance.tools.bench.progress import no_tick
from tests.tools.avatar.footage import FIRST, STEP, clip

NS = 1_000_000_000


def footage(count: int, fps: tuple[int, int]) -> Footage:
    times = tuple(n * NS * fps[1] // fps[0] for n in range(count))
    return Footage(Format(64, 48, fps), times, count * NS * fps[1] // fps[0])


def whole(one: Footage, fps: tuple[int, int]) -> list[int]:
    return chosen(one, 0, one.end, fps)


def test_the_same_rate_shows_each_picture_once() -> None:
    for fps in ((25, 1), (30000, 1001), (60, 1)):
        assert whole(footage(100, fps), fps) == list(range(100))


RATES = st.sampled_from([(10, 1), (24000, 1001), (25, 1), (30, 1), (30000, 1001), (60, 1)])


@given(st.integers(1, 300), RATES, RATES)
def test_first_and_last_stay_and_none_is_far_from_its_time(
    count: int, own: tuple[int, int], asked: tuple[int, int]
) -> None:
    one = footage(count, own)
    found = whole(one, asked)
    lasts = len(found) * asked[1] / asked[0]
    assert abs(lasts - one.end / NS) <= 0.5 * asked[1] / asked[0] + 1e-6 or len(found) == 1
    assert found == sorted(found)
    if len(found) > 1:
        assert (found[0], found[-1]) == (0, count - 1)
    period = max(own[1] / own[0], asked[1] / asked[0])
    for tick, index in enumerate(found[:-1]):
        assert abs(one.times[index] / NS - tick * asked[1] / asked[0]) <= period


def test_a_part_is_what_begins_in_it() -> None:
    one = footage(50, (25, 1))
    assert chosen(one, NS, NS + NS // 5, (25, 1)) == [25, 26, 27, 28, 29]
    assert chosen(one, 3 * NS, 4 * NS, (25, 1)) == []
    assert chosen(footage(1, (25, 1)), 0, NS, (25, 1)) == [0]


def test_rates_that_files_claim() -> None:
    assert usual_rate((2997, 100)) == (30000, 1001)
    assert usual_rate((90000, 3003)) == (30000, 1001)
    assert usual_rate((25, 1)) == (25, 1)
    assert usual_rate((17, 1)) == (17, 1)


@pytest.fixture(scope="module")
def beeping(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Footage]:
    """Thirty pictures at 30 a second; from 0.5 s on there is a tone."""
    path = clip(tmp_path_factory.mktemp("clips") / "a.mkv", 30, "30", beep_s=0.5)
    return path, look_through(path, no_tick)


@pytest.mark.parametrize("begin", [0, 300_000_000])
def test_pictures_and_sound_of_a_part(beeping: tuple[Path, Footage], begin: int) -> None:
    path, one = beeping
    assert (len(one.times), one.sounding, one.format.fps) == (30, True, (30, 1))
    wanted = chosen(one, begin, one.end, (25, 1))
    part = FootagePart(path, one, Format(96, 64, (25, 1), one.format.colour), wanted)
    shown = []
    for frame, ticks in part.pictures(len(wanted) * 1920):
        number = round((int(frame.y.max()) - FIRST) / STEP)
        shown += [number] * ticks
    assert shown == wanted
    assert part.sound is not None
    assert len(part.sound) == len(wanted) * 1920
    onset = int(np.flatnonzero(np.abs(part.sound[:, 0].astype(int)) > 500)[0])
    assert abs(onset - (0.5 - one.times[wanted[0]] / NS) * 48000) < 96


@pytest.mark.parametrize("size", [(160, 64), (64, 64)])
def test_another_shape_stands_on_the_lower_border(tmp_path: Path, size: tuple[int, int]) -> None:
    path = clip(tmp_path / "a.mkv", 1, size=size)
    one = look_through(path, no_tick)
    part = FootagePart(path, one, Format(96, 72, (25, 1), one.format.colour), [0])
    ((y, shape),) = [(frame.y.copy(), frame.y.shape) for frame, _ in part.pictures(0)]
    assert shape == (72, 96)
    assert y[-1].max() > 60
    assert y[:4].max() < 20
