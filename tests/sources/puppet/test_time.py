"""What becomes of poses in time: filtered, held, eased."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.sources.puppet.gesture import BODY
from appliance.sources.puppet.hold import CUT_S, EASE_S, HOLD_S, Hold
from appliance.sources.puppet.one_euro import OneEuro

STEP = 1 / 30
ONE = np.ones((6, 2))


def shown(gesture: dict[str, np.ndarray], part: str = BODY) -> float:
    return float(gesture[part].ravel()[0]) if part in gesture else 0.0


def at_full(hold: Hold) -> None:
    for _ in range(60):
        hold({BODY: ONE}, STEP)


def test_the_first_value_comes_out_as_it_goes_in() -> None:
    values = np.array([3.0, -7.0], np.float32)
    assert np.array_equal(OneEuro(1.0, 0.0)(values, STEP), values)


def test_rest_is_calm_and_motion_quick() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 300).astype(np.float32)
    euro = OneEuro(1.5, 0.02)
    calm = [float(euro(np.array([n], np.float32), STEP)[0]) for n in noise]
    assert np.std(calm[60:]) < 0.6 * np.std(noise[60:])
    # 900 units a second: a fast hand. It must not trail by more than two pictures.
    euro.reset()
    late = 0.0
    for n in range(60):
        at = 30.0 * n
        late = at - float(euro(np.array([at], np.float32), STEP)[0])
    assert late < 60


def test_no_time_between_changes_nothing() -> None:
    euro = OneEuro(1.0, 0.0)
    euro(np.zeros(1, np.float32), STEP)
    assert euro(np.full(1, 100, np.float32), 0.0)[0] == 0


def test_what_is_lost_is_held_then_eased_to_rest() -> None:
    hold = Hold()
    at_full(hold)
    assert shown(hold({BODY: ONE}, STEP)) == 1
    values = [shown(hold({}, STEP)) for _ in range(int((HOLD_S + EASE_S) / STEP) + 3)]
    held = int(HOLD_S / STEP)
    assert values[:held] == [1.0] * held
    assert values[-1] == 0
    assert (np.diff(values) <= 0).all()
    # Slowly: no step is larger than an eased one is.
    assert np.abs(np.diff(values)).max() < 2 * STEP / EASE_S


def test_what_is_found_is_eased_in_without_a_jump() -> None:
    hold = Hold()
    values = [shown(hold({BODY: ONE}, STEP)) for _ in range(40)]
    assert values[0] < 0.02
    assert values[-1] == 1
    assert np.abs(np.diff(values)).max() < 2 * STEP / EASE_S


def test_each_part_is_lost_by_itself() -> None:
    hold = Hold()
    for _ in range(60):
        hold({BODY: ONE, "left arm": np.ones((3, 2))}, STEP)
    for _ in range(60):
        found = hold({BODY: ONE}, STEP)
    assert shown(found) == 1
    assert shown(found, "left arm") == 0


def test_a_cut_is_gone_over() -> None:
    hold = Hold()
    at_full(hold)
    hold.cut()
    values = [shown(hold({BODY: -ONE}, STEP)) for _ in range(int(CUT_S / STEP) + 2)]
    assert values[0] > 0.9
    assert values[-1] == pytest.approx(-1)
    assert (np.diff(values) <= 0).all()


def test_reset_is_rest() -> None:
    hold = Hold()
    at_full(hold)
    hold.reset()
    assert hold({}, STEP) == {}
