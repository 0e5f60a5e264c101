"""Arms that put the hand somewhere: the wrist arrives, the elbow is on its side."""

from __future__ import annotations

import numpy as np
import pytest

from export.figures.body import Floats
from export.figures.reaches import GESTURES, Build, Turns, gesture, reach

_JOINTS = {
    "shoulder01": (0.1, 0.0, 0.5), "upperarm01": (0.16, 0.0, 0.47), "lowerarm01": (0.33, 0.0, 0.28),
    "wrist": (0.45, -0.16, 0.16), "upperleg01": (0.1, 0.0, 0.04), "eye": (0.03, -0.12, 0.7),
}  # fmt: skip


def _build() -> Build:
    joints = {
        f"{bone}.{side}": np.array(at) * (sign, 1, 1)
        for bone, at in _JOINTS.items()
        for side, sign in (("L", 1), ("R", -1))
    }
    return Build(joints, -0.15, 0.12)


def _wrist(build: Build, turns: Turns, side: str) -> tuple[Floats, Floats]:
    """Where turned bones carry the elbow and the wrist."""
    names = ("shoulder01", "upperarm01", "lowerarm01", "wrist")
    joints = [build.joints[f"{name}.{side}"] for name in names]
    at, turn = joints[0], np.eye(3)
    places = []
    for here, there, name in zip(joints, joints[1:], names, strict=False):
        turn = turn @ turns[f"{name}.{side}"]
        at = at + turn @ (there - here)
        places.append(at)
    return places[1], places[2]


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("shrug", [0.0, 25.0])
def test_the_wrist_arrives(side: str, shrug: float) -> None:
    build, sign = _build(), 1 if side == "L" else -1
    for target in ((0.3, -0.3, 0.5), (0.1, -0.25, 0.6), (0.2, 0.1, 0.1), (0.35, -0.1, 0.75)):
        there = np.array(target) * (sign, 1, 1)
        turns = reach(build, side, there, np.array([0.3 * sign, 0, -1.0]), shrug)
        np.testing.assert_allclose(_wrist(build, turns, side)[1], there, atol=1e-9)


def test_the_elbow_is_where_the_pole_points() -> None:
    build = _build()
    target = build.joints["upperarm01.L"] + (0, -0.3, 0)
    down, out = (
        _wrist(build, reach(build, "L", target, np.array(pole)), "L")[0]
        for pole in ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0))
    )
    assert down[2] < out[2] - 0.1
    assert out[0] > down[0] + 0.1


def test_what_is_too_far_is_pointed_at() -> None:
    build = _build()
    shoulder, away = build.joints["upperarm01.L"], np.array([3.0, 0, 0])
    turns = reach(build, "L", shoulder + away, np.array([0.0, 0, -1]))
    wrist = _wrist(build, turns, "L")[1]
    way = (wrist - shoulder) / np.linalg.norm(wrist - shoulder)
    assert way[0] > 0.999
    assert 0.98 * build.arm < np.linalg.norm(wrist - shoulder) < build.arm


def test_gestures_put_hands_where_they_say() -> None:
    build = _build()
    shoulder, eye = build.joints["upperarm01.L"], build.joints["eye.L"]
    for kind in GESTURES:
        for seed in range(20):
            turns = gesture(np.random.default_rng(seed), build, kind, "L")
            elbow, wrist = _wrist(build, turns, "L")
            if kind == "up":
                assert wrist[2] > shoulder[2] + 0.2
            if kind == "out":
                assert wrist[0] > shoulder[0] + 0.25
            if kind == "folded":
                assert wrist[0] < 0 < elbow[0]
                assert wrist[1] < build.front
            if kind == "behind":
                assert wrist[1] > build.back
            if kind in ("face", "head"):
                assert np.linalg.norm(wrist - eye) < 0.35
