"""The map over time: still where the scene is, smooth and soon where it changes."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import Colour
from appliance.stages.harmonise.follow import LightMap
from appliance.stages.harmonise.transport import colours_of
from tests.stages.harmonise.test_transport import people

S = 1_000_000_000


def dimmed(gain: float) -> np.ndarray:
    made = np.eye(3, 4)
    made[0, 0], made[0, 3] = gain, 16 * (1 - gain)
    return made


def noisy(gain: float, seed: int) -> np.ndarray:
    """As measured in a picture with a sensor's noise."""
    rng = np.random.default_rng(seed)
    made = dimmed(gain)
    made[:, 3] += rng.normal(0, 0.1, 3)
    return made


def test_a_still_scene_does_not_move_it() -> None:
    light = LightMap(Colour())
    seen = set()
    for k in range(300):
        if k % 5 == 0:
            light.measured(noisy(0.7, k), colours_of(people(k), skin=True))
        made = light.matrix(0.4, k * S // 30)
        assert made is not None
        seen.add(made.tobytes())
    assert len(seen) == 1


# Darker than people(), so that what is made brighter does not burn out.
DIM = np.array([[0.5], [1.0], [1.0]], np.float32)


def gains(step: int, change: int, until: int) -> list[float]:
    """Luma gains at full strength, a frame each ``step``, the scene darker from ``change`` on."""
    light, found = LightMap(Colour()), []
    person = colours_of(DIM * people(), skin=True)
    for k, pts in enumerate(range(0, until, step)):
        if k % 5 == 0:
            light.measured(dimmed(0.75 if pts >= change else 1.2), person)
        made = light.matrix(1.0, pts)
        assert made is not None
        found.append(float(made[0, 0]))
    return found


def test_a_change_is_smooth_and_soon() -> None:
    found = gains(S // 30, S, 6 * S)
    assert found[29] == np.float32(1.2)
    steps = np.abs(np.diff(found))
    assert 0 < steps.max() < 0.04
    assert abs(found[60] - 0.75) > 0.02, "not at once"
    assert abs(found[30 + 60] - 0.75) < 0.02, "within two seconds"
    assert found[-1] == np.float32(0.75), "and then at rest"


def test_time_counts_and_not_frames() -> None:
    slow, fast = gains(S // 10, S, 3 * S), gains(S // 50, S, 3 * S)
    assert np.abs(np.array(slow[20:]) - np.array(fast[100::5])).max() < 0.06


def test_what_is_measured_first_counts_at_once_and_time_may_go_back() -> None:
    light, person = LightMap(Colour()), colours_of(DIM * people())
    assert light.matrix(0.4, 5 * S) is None
    light.measured(dimmed(0.8), person)
    made = light.matrix(1.0, 6 * S)
    assert made is not None
    assert made[0, 0] == np.float32(0.8)
    light.measured(dimmed(1.2), person)
    back = light.matrix(1.0, 2 * S)
    assert back is not None
    assert back[0, 0] == np.float32(0.8)
    light.reset()
    assert light.matrix(1.0, 3 * S) is None


def test_the_strength_is_live() -> None:
    light, person = LightMap(Colour()), colours_of(DIM * people())
    light.measured(dimmed(0.8), person)
    for strength, gain in ((1.0, 0.8), (0.5, 0.9), (0.0, 1.0)):
        made = light.matrix(strength, S)
        assert made is not None
        assert made[0, 0] == np.float32(gain)
