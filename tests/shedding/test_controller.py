"""The rules of shedding, in virtual time, on random and on hand-picked machines."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
import structlog

from appliance.config.settings.load import LoadSettings
from appliance.shedding import NETWORK_LEVELS, Controller, Level, Made, Means
from appliance.system.thermal import Heat
from tests.shedding.machine import Machine, Work

NO_SMALL = (Level.FULL, Level.REUSE, Level.HALF)
# 45 ms, then 25, 15, and every second frame: of the 33 ms that 30 fps allows.
HEAVY = Work(network=0.040, small=0.020, carry=0.002, rest=0.005)


def random_machine(seed: int) -> Machine:
    """A plausible machine, network and source."""
    draw = Random(seed)
    network = draw.uniform(0.002, 0.15)
    work = Work(
        network,
        network * draw.uniform(0.35, 0.7),
        min(network / 2, draw.uniform(0.0005, 0.004)),
        draw.uniform(0.002, 0.02),
    )
    return Machine(
        work,
        fps=draw.choice([15, 25, 30, 60]),
        jitter=draw.choice([0.02, 0.1, 0.2]),
        levels=NETWORK_LEVELS if draw.random() < 0.7 else NO_SMALL,
        seed=seed,
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_steady_machine_settles_where_frames_are_made_in_time(seed: int) -> None:
    machine = random_machine(seed)
    machine.run(20)
    machine.changes.clear()
    machine.run(100)
    level, levels = machine.level, tuple(machine.levels)
    assert len(machine.changes) <= 1, "it goes up and down"
    assert machine.load(level) < 1.05 or level == levels[-1]
    if level != Level.FULL:
        assert machine.load(levels[levels.index(level) - 1]) > 0.65, "a lower level would do"
    longest = max(frame.took for frame in machine.done)
    assert max(frame.done - frame.came for frame in machine.done) <= 2 * longest


def test_levels_are_gone_through_one_by_one_and_back() -> None:
    """Far too slow for half a minute, then as fast as it should be."""
    machine = Machine(HEAVY, pace=lambda now: 2.6 if 10 < now < 40 else 0.4)
    machine.run(100)
    assert [level for _, level in machine.changes] == [3, 4, 5, 4, 3, 0]
    times = [at for at, _ in machine.changes]
    assert 10 < times[0] < 13
    assert times[2] < 16, "three levels should not take longer than a few seconds"
    assert times[3] > 40


def test_a_short_hitch_changes_nothing() -> None:
    """A half-second stall every ten seconds, with ample time otherwise."""
    machine = Machine(
        Work(0.010, 0.005, 0.001, 0.005),
        pace=lambda now: 33.0 if math.fmod(now, 10) < 0.04 else 1.0,
    )
    machine.run(120)
    assert machine.changes == []


@pytest.mark.parametrize("period", [1.0, 7.0, 30.0])
def test_a_pace_that_swings_is_not_followed_into_oscillation(period: float) -> None:
    """Another program takes half the machine for half of each period."""

    def pace(now: float) -> float:
        return 2.0 if math.fmod(now, period) < period / 2 else 1.0

    machine = Machine(Work(0.020, 0.010, 0.002, 0.004), pace=pace)
    machine.run(300)
    # Once each way for a swing long enough to be worth it, and no more.
    assert len(machine.changes) <= 2 * 300 / max(period, 40)
    late = sum(b.came - a.came > 1.5 / 30 for a, b in pairwise(machine.done))
    assert late < 0.06 * len(machine.done)


def test_a_machine_that_gets_hot_from_working_comes_to_rest() -> None:
    """Heat follows work and pace follows heat: the feedback that makes simple rules oscillate."""
    machine: Machine
    state = {"celsius": 50.0, "at": 0.0, "worked": 0.0}

    def pace(now: float) -> float:
        if now > state["at"]:
            took = sum(f.took for f in machine.done[-8:] if f.done > now - 0.2)
            busy = min(1.0, took / 0.2)
            rest = 40 + 60 * busy
            state["celsius"] += (rest - state["celsius"]) * (
                1 - math.exp(-(now - state["at"]) / 20)
            )
            state["at"] = now
        # From 80 °C on, it loses a tenth of its pace per degree, down to a third at most.
        return 1.0 + min(2.0, max(0.0, state["celsius"] - 80) / 10)

    def heat(now: float) -> Heat:
        return Heat(warm="hot" if state["celsius"] >= 80 else "")

    machine = Machine(HEAVY, pace=pace, heat=heat)
    machine.run(200)
    machine.changes.clear()
    machine.run(500)
    assert len(machine.changes) <= 4, machine.changes
    assert all(f.done - f.came < 0.3 for f in machine.done)


def test_less_is_done_while_it_is_too_hot_although_there_is_time() -> None:
    def heat(now: float) -> Heat:
        hot = "cpu is at 99 °C" if 20 < now < 60 else ""
        return Heat(hot=hot, warm=hot or ("cpu is at 92 °C" if now < 100 else ""))

    machine = Machine(Work(0.004, 0.002, 0.001, 0.002), heat=heat)
    machine.run(59)
    assert [level for _, level in machine.changes] == [3, 4, 5]
    assert machine.changes[0][0] == pytest.approx(20, abs=1)
    assert machine.shedding.state.sentence.startswith("too hot for all of it: the network looks")
    assert "(cpu is at 99 °C)" in machine.shedding.state.sentence
    machine.run(99)
    assert machine.level == Level.HALF, "it was still warm"
    machine.run(140)
    assert machine.level == Level.FULL


def test_without_a_smaller_network_that_level_is_left_out() -> None:
    machine = Machine(HEAVY, pace=lambda now: 4.0, levels=NO_SMALL)
    machine.run(20)
    assert [level for _, level in machine.changes] == [3, 5]
    assert "smaller picture" not in machine.shedding.state.sentence


def test_fewer_frames_are_still_evenly_spaced() -> None:
    machine = Machine(HEAVY, pace=lambda now: 2.2)
    machine.run(30)
    assert machine.level == Level.HALF
    came = [frame.came for frame in machine.done if frame.came > 10]
    gaps = {round((b - a) * 30) for a, b in pairwise(came)}
    assert gaps == {2}


def test_frames_lost_at_the_last_level_are_told() -> None:
    machine = Machine(HEAVY, pace=lambda now: 12.0 if now < 40 else 2.0)
    with structlog.testing.capture_logs() as lines:
        machine.run(30)
        assert "even so about" in machine.shedding.state.sentence
        machine.run(60)
    assert "even so" not in machine.shedding.state.sentence
    told = [line["event"] for line in lines if "lost" in line["event"]]
    assert told == [
        "load: nothing more can be left out, frames are lost", "load: frames are no longer lost",
    ]  # fmt: skip


def test_each_change_is_one_line_that_says_what_and_why() -> None:
    machine = Machine(HEAVY)
    with structlog.testing.capture_logs() as lines:
        machine.run(30)
    assert [line["level"] for line in lines] == [int(level) for _, level in machine.changes]
    assert lines[0]["log_level"] == "warning"
    assert lines[0]["now"] == "the network looks at every second frame only"
    assert lines[0]["why"].startswith("a frame takes 4")
    assert "one comes every 33.3 ms" in lines[0]["why"]


def test_a_source_that_loses_nothing_is_never_cut_short() -> None:
    hot = Heat(hot="cpu is at 99 °C", warm="cpu is at 99 °C")
    machine = Machine(HEAVY, pace=lambda now: 5.0, heat=lambda now: hot, lossless=True)
    machine.run(60)
    assert machine.changes == []
    came = [frame.came for frame in machine.done]
    assert {round((b - a) * 30) for a, b in pairwise(came)} == {1}


def test_shedding_can_be_switched_off_and_on_again() -> None:
    machine = Machine(HEAVY, settings=LoadSettings(shed=False))
    machine.run(20)
    assert machine.changes == []
    machine.shedding.configure(LoadSettings())
    machine.run(40)
    assert machine.level == Level.REUSE
    machine.shedding.configure(LoadSettings(shed=False))
    assert machine.level == Level.FULL
    assert machine.shedding.state.sentence == ""


def test_bursts_are_not_taken_for_slowness() -> None:
    """A network link delivers frames four at a time; processing takes a third of the time."""
    machine = Machine(Work(0.008, 0.004, 0.001, 0.003))
    plain = machine.inbox.put
    held: list[int] = []

    def put(item: int, timeout: float = 5.0) -> bool:
        held.append(item)
        if len(held) == 4:
            for each in held:
                plain(each)
            held.clear()
        return True

    machine.inbox.put = put  # type: ignore[method-assign]
    machine.run(60)
    assert machine.inbox.dropped > 1000
    assert machine.changes == []


def test_a_source_that_is_slower_than_the_canvas_gives_more_time() -> None:
    """A camera in the dark: 15 of the 30 frames a second, and time enough for each."""
    machine = Machine(HEAVY, fps=15, canvas_fps=30)
    machine.run(60)
    assert machine.changes == []


def test_a_pause_of_the_source_is_no_headroom() -> None:
    machine = Machine(HEAVY, jitter=0.02)
    machine.run(20)
    level = machine.level
    assert level == Level.REUSE
    machine.now += 600
    machine._frame = int(machine.now * 30)
    machine.run(machine.now + 3)
    assert machine.level == level


def test_a_network_that_takes_seconds_is_shed_too() -> None:
    machine = Machine(Work(network=4.0, small=3.5, carry=0.002, rest=0.005))
    machine.run(150)
    assert [level for _, level in machine.changes] == [3, 4, 5]


def test_relapses_make_it_more_patient() -> None:
    """The next level up seems to fit but does not: a controller would oscillate on this."""
    machine: Machine

    def pace(now: float) -> float:
        # At full work the machine is slower than it appears at less (a shared cache).
        return 1.9 if machine.level == Level.FULL else 1.0

    machine = Machine(Work(0.016, 0.008, 0.002, 0.003), pace=pace)
    machine.run(700)
    ups = [at for at, level in machine.changes if level == Level.REUSE]
    gaps = [b - a for a, b in pairwise(ups)]
    assert len(ups) <= 9, ups
    assert gaps == sorted(gaps), "each try should be further from the last"


def test_stages_go_first_and_come_back_last() -> None:
    """A frame with stages takes 45 ms, without what embellishes 30: the network is left alone."""
    costs = {Level.FULL: 45.0, Level.SPARE: 40.0, Level.PLAIN: 20.0, Level.REUSE: 12.0}
    controller = Controller((Level.FULL, Level.SPARE, Level.PLAIN, Level.REUSE, Level.HALF))
    now, seen, slower = 0.0, [Level.FULL], 1.0
    for k in range(3000):
        slower = 1.0 if k < 900 else 0.4
        cost = slower * costs[controller.level] / 1000
        now += max(1 / 30, cost)
        late = cost > 1 / 30
        if controller.made(Made(now, cost, Means.NETWORK, 1 / 30, late)) is not None:
            seen.append(controller.level)
    assert seen == [Level.FULL, Level.SPARE, Level.PLAIN, Level.SPARE, Level.FULL]


def test_stages_are_not_tried_again_while_they_would_not_fit() -> None:
    costs = {Level.FULL: 45.0, Level.PLAIN: 20.0}
    controller = Controller((Level.FULL, Level.PLAIN, Level.REUSE, Level.HALF))
    now, changes = 0.0, 0
    for _ in range(6000):
        cost = costs[controller.level] / 1000
        now += max(1 / 30, cost)
        made = Made(now, cost, Means.NETWORK, 1 / 30, cost > 1 / 30)
        changes += controller.made(made) is not None
    assert (controller.level, changes) == (Level.PLAIN, 1)
