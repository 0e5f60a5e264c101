"""Frames that can follow one another."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from appliance.media.frame import F32, Rect
from appliance.tools.avatar.search import (
    ClipLook,
    best_entries,
    best_loop,
    cover,
    distances,
    look_at,
)
from tests.tools.avatar.moving import HEIGHT, WIDTH, disc, sway, write

WHOLE = Rect(0, 0, WIDTH, HEIGHT)


def look(tmp_path: Path, xs: list[float], name: str = "a") -> ClipLook:
    return look_at(write(tmp_path / f"{name}.clip", [disc(x) for x in xs]), WHOLE)


def test_the_motion_must_go_on(tmp_path: Path) -> None:
    """The place of frame 7 is passed twice in the other clip: back, and then forth."""
    going = look(tmp_path, [40 + 3 * i for i in range(12)])
    back = [70 - 3 * i for i in range(8)]
    forth = [46 + 3 * i for i in range(9)]
    other = look(tmp_path, back + forth, "b")
    found = best_entries(going, range(12), other, range(len(back + forth)))
    # After frame 6, at 58, comes 61.
    assert (back + forth)[found.frames[6, 0]] == 61
    assert found.frames[6, 0] >= len(back)
    assert found.costs[6, 0] < 0.5
    assert abs(found.frames[6, 1] - found.frames[6, 0]) > 3


def test_a_loop_is_as_long_as_it_is_smooth(tmp_path: Path) -> None:
    clip = look_at(write(tmp_path / "s.clip", sway(42, period=12)), WHOLE)
    exit, entry = best_loop(clip, most=1000)
    assert (exit + 1 - entry) % 12 == 0
    assert exit + 1 - entry == 36
    # No more than so far from the ends.
    exit, entry = best_loop(clip, most=2)
    assert exit >= 40
    assert entry < 2


@pytest.mark.parametrize("count", [1, 2, 3])
def test_loops_of_hardly_anything(tmp_path: Path, count: int) -> None:
    exit, entry = best_loop(look(tmp_path, [50.0] * count), most=100)
    assert 0 <= entry <= exit < count


def test_from_a_last_frame_to_a_first(tmp_path: Path) -> None:
    """No neighbours can be compared: the two themselves are."""
    one, same, far = (look(tmp_path, [x], f"{x}") for x in (50, 50.0, 90))
    near = distances(one, range(1), same, range(1))[0, 0]
    assert near == 0
    assert distances(one, range(1), far, range(1))[0, 0] > 10


def best_of_all(costs: F32, gap: int, ends: int) -> float:
    count, least = len(costs), np.inf
    for size in range(1, count + 1):
        for some in combinations(range(count), size):
            steps = np.diff(some)
            inside = some[0] <= ends and count - 1 - some[-1] <= ends
            if inside and (steps <= gap).all():
                least = min(least, float(costs[list(some)].sum()))
    return least


@pytest.mark.parametrize(("gap", "ends"), [(1, 0), (3, 1), (4, 2), (20, 10)])
def test_exits_cost_the_least_and_are_near_enough(gap: int, ends: int) -> None:
    for seed in range(5):
        costs = np.random.default_rng(seed).uniform(0.1, 5, 11).astype(np.float32)
        found = cover(costs, gap, ends)
        assert found[0] <= ends
        assert len(costs) - 1 - found[-1] <= ends
        assert (np.diff(found) <= gap).all()
        assert costs[found].sum() == pytest.approx(best_of_all(costs, gap, ends))


def test_one_position() -> None:
    assert cover(np.ones(1, np.float32), 4, 2) == [0]
