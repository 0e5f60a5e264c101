"""Poses: standing, gesturing, reaching, walking, sitting; as rotations by bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.figures.body import Floats
from export.figures.reaches import GESTURES, Build, Turns, gesture
from export.synthesis.backgrounds import Rng

# "any" draws angles without a meaning; the gestures put the hands somewhere.
FAMILIES = ("stands", "talks", "walks", "sits", "any", *GESTURES)
_ODDS = (0.07, 0.10, 0.08, 0.08, 0.04, 0.10, 0.09, 0.07, 0.06, 0.04, 0.03, 0.06, 0.04, 0.08, 0.06)


@dataclass(frozen=True)
class Stance:
    """How somebody stands, walks or sits, by rotations (3, 3) of the bones."""

    family: str
    turns: Turns
    held: str  # the sides ("L", "R") whose hand grips
    seated: bool


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


def _hand(turns: Turns, rng: Rng, side: str, holds: bool = False) -> None:
    """A turned wrist; fingers from stretched to a fist, occasionally one pointing, or a grip."""
    sign = 1 if side == "L" else -1
    turns[f"wrist.{side}"] = rotation(1, rng.normal(0, 20)) @ rotation(0, rng.normal(0, 20))
    turns[f"lowerarm02.{side}"] = rotation(2, rng.normal(0, 35))
    curl = rng.uniform(48, 62) if holds else rng.uniform(-5, 75)
    pointing = int(rng.integers(2, 6)) if not holds and rng.random() < 0.25 else 0
    for finger in range(2, 6):
        bend = 5.0 if finger == pointing else curl + rng.normal(0, 3 if holds else 8)
        for joint in (1, 2, 3):
            turns[f"finger{finger}-{joint}.{side}"] = rotation(1, sign * bend)
    turns[f"finger1-2.{side}"] = rotation(1, sign * rng.uniform(-10, 30))


def _legs(turns: Turns, rng: Rng, family: str, stride: float) -> None:
    """Standing, walking, or seated: knees side by side, apart, or one leg over the other."""
    if family == "sits":
        over = "LR"[int(rng.integers(2))] if rng.random() < 0.3 else ""
        apart = abs(rng.normal(4, 9))
        for side, sign in (("L", 1), ("R", -1)):
            lifted = rng.uniform(70, 95) + (14 if side == over else 0)
            inward = -14 if side == over else apart
            turns[f"upperleg01.{side}"] = rotation(2, sign * inward) @ rotation(0, -lifted)
            turns[f"lowerleg01.{side}"] = rotation(0, rng.uniform(60, 100))
        return
    for side, sign in (("L", 1), ("R", -1)):
        forward = sign * stride + rng.normal(0, 3)
        spread = sign * rng.normal(4, 4)
        turns[f"upperleg01.{side}"] = rotation(0, -forward) @ rotation(1, spread)
        bend = max(0.0, -forward) * rng.uniform(0.5, 1.6) + abs(rng.normal(0, 3))
        turns[f"lowerleg01.{side}"] = rotation(0, bend)


def random_pose(rng: Rng, build: Build) -> Stance:
    """A pose for a body of that build."""
    family = str(rng.choice(FAMILIES, p=_ODDS))
    legs = family if family in ("walks", "sits") else "stands"
    if legs == "stands" and rng.random() < 0.2:
        legs = "sits"
    turns: Turns = {}
    lean, sway, turn = rng.normal(3, 6), rng.normal(0, 5), rng.normal(0, 9)
    for bone in ("spine05", "spine03", "spine01"):
        turns[bone] = rotation(0, lean / 2) @ rotation(1, sway / 2) @ rotation(2, turn / 2)
    turns["neck01"] = rotation(0, rng.normal(0, 7)) @ rotation(2, rng.normal(0, 12))
    nod, tilt, shake = rng.normal(3, 11), rng.normal(0, 7), rng.normal(0, 20)
    turns["head"] = rotation(0, nod) @ rotation(1, tilt) @ rotation(2, shake)
    stride = rng.normal(0, 22) if legs == "walks" else rng.normal(0, 4)
    _legs(turns, rng, legs, stride)
    busy = "LR" if rng.random() < (0.95 if family in ("folded", "clasped") else 0.55) else "L"
    busy = busy if rng.random() < 0.5 else busy.replace("L", "R" if busy == "L" else "L")
    held = ""
    for side, sign in (("L", 1), ("R", -1)):
        holds = False
        if family in GESTURES and side in busy:
            turns |= gesture(rng, build, family, side, other=side == "R")
            holds = family in ("face", "before", "beside", "up") and rng.random() < 0.3
        elif family == "any":
            angles = rng.uniform(-90, 40), rng.uniform(-30, 120), rng.normal(0, 30)
            _arm(turns, side, *angles, rng.uniform(0, 130))
        elif family == "talks" and rng.random() < 0.75:
            _arm(turns, side, rng.uniform(5, 40), rng.uniform(0, 55), rng.normal(-15, 25),
                 rng.uniform(35, 125))  # fmt: skip
            holds = rng.random() < 0.2
        elif legs == "sits" and rng.random() < 0.8:
            _arm(turns, side, rng.normal(30, 4), rng.uniform(10, 40), rng.normal(-8, 8),
                 rng.uniform(20, 60))  # fmt: skip
        else:
            swing = -sign * stride * 0.8 + rng.normal(0, 6)
            _arm(turns, side, rng.normal(32, 5), swing, rng.normal(0, 8), abs(rng.normal(6, 12)))
        _hand(turns, rng, side, holds)
        held += side if holds else ""
    return Stance(family, turns, held, legs == "sits")
