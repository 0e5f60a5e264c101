"""Which seams there are: what is promised of exits, and bounds on their number."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.avatars.avatar import AvatarManifest, ClipEntry, Role
from appliance.tools.avatar.plan import MOST, Planner, Times, WantedSeam
from appliance.tools.avatar.search import ClipLook

FPS = 25.0


def clips(**frames: tuple[Role, int]) -> tuple[AvatarManifest, dict[str, ClipLook]]:
    """Clips whose frames have two numbers each, which wander about."""
    entries, looks = [], {}
    rng = np.random.default_rng(6)
    for name, (role, count) in frames.items():
        entries.append(ClipEntry(name=name, role=role, file="-", frames=count, digest="-"))
        path = 120 + np.cumsum(rng.normal(0, 2, (count, 2)), 0)
        looks[name] = ClipLook(np.clip(path, 0, 255).astype(np.uint8), 1.0, 2.0)
    return AvatarManifest(name="a", clips=tuple(entries)), looks


def exits(wanted: list[WantedSeam], source: str, *targets: str) -> list[int]:
    return sorted(w.best.exit for w in wanted if w.source == source and w.best.target in targets)


def waits(found: list[int], frames: int) -> int:
    """The longest wait for an exit, from any of so many frames on."""
    return max(min((e - i for e in found if e >= i), default=999) for i in range(frames))


@pytest.fixture(scope="module")
def wanted() -> list[WantedSeam]:
    return Planner(
        *clips(
            calm=("idle", 100), other=("idle", 60), wave=("action", 50), one=("action", 1),
            talk=("talk", 90),
        ),
        FPS,
    ).plan(lambda _: 4)  # fmt: skip


def test_times_keep_an_interrupt_within_400_ms() -> None:
    for fps in (5, 12.5, 15, 24, 25, 30, 50, 60):
        times = Times.at(fps)
        assert (times.rest + times.most_calm + 1) / fps <= 0.4 + 1e-9, fps
        assert times.most >= 2
    assert (Times.at(25).rest, Times.at(25).most_calm) == (4, 5)


def test_actions_can_be_left_for_idle_at_any_time(wanted: list[WantedSeam]) -> None:
    found = exits(wanted, "wave", "calm", "other")
    assert max(np.diff(found)) <= 4
    assert found[0] <= 4
    assert found[-1] == 49
    assert exits(wanted, "one", "calm", "other") == [0]


def test_talking_can_be_left_for_idle_at_any_time(wanted: list[WantedSeam]) -> None:
    (end,) = exits(wanted, "talk", "talk")
    found = exits(wanted, "talk", "calm", "other")
    assert max(np.diff(found)) <= 4
    assert found[0] <= 4
    assert end - found[-1] <= 4


@pytest.mark.parametrize("source", ["calm", "other", "talk"])
def test_loops_lead_into_actions_soon(wanted: list[WantedSeam], source: str) -> None:
    (end,) = exits(wanted, source, source)
    for target in ("wave", "one"):
        found = exits(wanted, source, target)
        # Around the loop as well.
        assert max(np.diff([*found, end + 1 + found[0]])) <= 12, target
        assert {w.best.entry for w in wanted if w.best.target == target} == {0}


def test_what_leads_on_from_ends(wanted: list[WantedSeam]) -> None:
    assert exits(wanted, "wave", "talk") == [49]
    assert len(exits(wanted, "calm", "other")) == 1
    assert not exits(wanted, "wave", "one")
    for each in wanted:
        if each.source not in ("wave", "one"):
            (end,) = exits(wanted, each.source, each.source)
            assert each.best.exit <= end
        if each.best.target not in ("wave", "one"):
            # Whoever enters passes the end of the loop.
            (end,) = exits(wanted, each.best.target, each.best.target)
            assert each.best.entry <= end


def test_other_ways_begin_and_end_elsewhere(wanted: list[WantedSeam]) -> None:
    assert all(w.best not in w.others for w in wanted)
    assert sum(bool(w.others) for w in wanted) > len(wanted) / 2


def test_long_clips_and_twenty_actions() -> None:
    many: dict[str, tuple[Role, int]] = {f"a{i}": ("action", 75) for i in range(20)}
    planner = Planner(*clips(calm=("idle", 5_000), talk=("talk", 5_000), **many), FPS)
    wanted = planner.plan(lambda _: 5)
    assert len(wanted) < 1200
    assert 5 * len(wanted) <= sum(MOST.values()) + 5 * 50
    # Whatever else there is, an action can be broken off as promised.
    found = exits(wanted, "a7", "calm")
    assert max(np.diff(found)) <= 4 * (2 if len(found) < 19 else 1)
    # Each action can be begun, if less often.
    assert all(exits(wanted, "calm", name) for name in many)


def test_still_pictures() -> None:
    wanted = Planner(*clips(calm=("idle", 1), talk=("talk", 1), a=("action", 1)), FPS).plan(
        lambda _: 0
    )
    ways = sorted((w.source, w.best.target) for w in wanted)
    assert ways == [
        ("a", "calm"), ("a", "talk"), ("calm", "a"), ("calm", "calm"), ("calm", "talk"),
        ("talk", "a"), ("talk", "calm"), ("talk", "calm"), ("talk", "calm"),
        ("talk", "talk"),
    ]  # fmt: skip
