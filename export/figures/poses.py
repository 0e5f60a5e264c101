"""Poses: standing, gesturing, waving, walking, sitting; as rotations by bone."""

from __future__ import annotations

import numpy as np

from export.figures.body import Floats
from export.synthesis.backgrounds import Rng

Turns = dict[str, Floats]
FAMILIES = ("stands", "talks", "waves", "walks", "sits", "any")
_ODDS = (0.2, 0.36, 0.14, 0.14, 0.1, 0.06)


def rotation(axis: int, degrees: float) -> Floats:
    """A right-handed rotation (3, 3) about x (0), y (1) or z (2)."""
    angle = np.deg2rad(degrees)
    turn = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn[i, i] = turn[j, j] = np.cos(angle)
    turn[j, i] = np.sin(angle)
    turn[i, j] = -turn[j, i]
    return turn


def _arm(turns: Turns, side: str, down: float, lift: float, twist: float, bend: float) -> None:
    """In degrees: `down` to the body, `lift` forwards, `twist` of the upper arm, elbow `bend`."""
    sign = 1 if side == "L" else -1
    turns[f"upperarm01.{side}"] = (
        rotation(0, -lift) @ rotation(1, sign * down) @ rotation(2, sign * twist)
    )
    turns[f"lowerarm01.{side}"] = rotation(0, -bend)


def _hand(turns: Turns, rng: Rng, side: str) -> None:
    """A turned wrist; fingers anywhere from stretched to a fist, occasionally one pointing."""
    sign = 1 if side == "L" else -1
    turns[f"wrist.{side}"] = rotation(1, rng.normal(0, 20)) @ rotation(0, rng.normal(0, 20))
    turns[f"lowerarm02.{side}"] = rotation(2, rng.normal(0, 35))
    curl = rng.uniform(-5, 75)
    pointing = int(rng.integers(2, 6)) if rng.random() < 0.25 else 0
    for finger in range(2, 6):
        bend = 5.0 if finger == pointing else curl + rng.normal(0, 8)
        for joint in (1, 2, 3):
            turns[f"finger{finger}-{joint}.{side}"] = rotation(1, sign * bend)
    turns[f"finger1-2.{side}"] = rotation(1, sign * rng.uniform(-10, 30))


def random_pose(rng: Rng) -> tuple[str, Turns]:
    """The pose family's name, and rotations by bone."""
    family = str(rng.choice(FAMILIES, p=_ODDS))
    turns: Turns = {}
    lean, sway, turn = rng.normal(3, 5), rng.normal(0, 4), rng.normal(0, 8)
    for bone in ("spine05", "spine03", "spine01"):
        turns[bone] = rotation(0, lean / 2) @ rotation(1, sway / 2) @ rotation(2, turn / 2)
    turns["neck01"] = rotation(0, rng.normal(0, 7)) @ rotation(2, rng.normal(0, 12))
    nod, tilt, shake = rng.normal(3, 9), rng.normal(0, 6), rng.normal(0, 14)
    turns["head"] = rotation(0, nod) @ rotation(1, tilt) @ rotation(2, shake)
    stride = rng.normal(0, 22) if family == "walks" else rng.normal(0, 4)
    for side, sign in (("L", 1), ("R", -1)):
        busy = family == "talks" and rng.random() < 0.75
        raised = family == "waves" and (side == "L") == bool(rng.random() < 0.5)
        if family == "any":
            angles = rng.uniform(-90, 40), rng.uniform(-30, 120), rng.normal(0, 30)
            _arm(turns, side, *angles, rng.uniform(0, 130))
        elif raised:
            _arm(turns, side, rng.uniform(-110, -20), rng.uniform(-10, 40), rng.normal(0, 25),
                 rng.uniform(0, 90))  # fmt: skip
        elif busy:
            _arm(turns, side, rng.uniform(5, 40), rng.uniform(0, 55), rng.normal(-15, 25),
                 rng.uniform(35, 125))  # fmt: skip
        else:
            swing = -sign * stride * 0.8 + rng.normal(0, 6)
            _arm(turns, side, rng.normal(32, 5), swing, rng.normal(0, 8), abs(rng.normal(6, 12)))
        _hand(turns, rng, side)
        if family == "sits":
            turns[f"upperleg01.{side}"] = rotation(1, -sign * rng.normal(4, 6)) @ rotation(
                0, -rng.uniform(70, 95)
            )
            turns[f"lowerleg01.{side}"] = rotation(0, rng.uniform(60, 100))
        else:
            forward = sign * stride + rng.normal(0, 3)
            spread = sign * rng.normal(4, 4)
            turns[f"upperleg01.{side}"] = rotation(0, -forward) @ rotation(1, spread)
            bend = max(0.0, -forward) * rng.uniform(0.5, 1.6) + abs(rng.normal(0, 3))
            turns[f"lowerleg01.{side}"] = rotation(0, bend)
    return family, turns
