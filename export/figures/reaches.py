"""Arms that put the hand somewhere: two bones solved for the wrist, elbow on a chosen side.

Targets are beside the resting body, so that a bent spine carries arms and targets along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.figures.body import Floats, Posed
from export.synthesis.backgrounds import Rng

Turns = dict[str, Floats]
GESTURES = ("out", "up", "hips", "folded", "clasped", "behind", "face", "head", "before", "beside")
_FOLD = 35.0  # degrees that an elbow cannot close beyond
_DOWN, _OUT = (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Build:
    """What gestures need to know of a resting body: joints (3,) by bone, and how far it bulges."""

    joints: dict[str, Floats]
    front: float  # y of belly and chest, metres; negative is forwards
    back: float

    @property
    def arm(self) -> float:
        """From shoulder to wrist, metres."""
        upper, elbow, wrist = (self.joints[f"{b}.L"] for b in ("upperarm01", "lowerarm01", "wrist"))
        return float(np.linalg.norm(elbow - upper) + np.linalg.norm(wrist - elbow))


def build_of(posed: Posed) -> Build:
    """Measure a body."""
    rest, shoulder = posed.rest, posed.joints["upperarm01.L"]
    low = posed.joints["upperleg01.L"][2]
    middle = np.abs(rest[:, 0]) < 0.7 * shoulder[0]
    depth = rest[middle & (rest[:, 2] > low) & (rest[:, 2] < shoulder[2]), 1]
    return Build(posed.joints, float(np.quantile(depth, 0.02)), float(np.quantile(depth, 0.98)))


def _about(axis: Floats, angle: float) -> Floats:
    """Rodrigues' formula: a rotation (3, 3) about a unit axis, in radians."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def _frame(first: Floats, normal: Floats) -> Floats:
    """Orthonormal columns (3, 3): along `first`, along `normal`, and across both."""
    x = first / np.linalg.norm(first)
    n = normal / np.linalg.norm(normal)
    return np.stack([x, n, np.cross(x, n)], axis=1)


def reach(build: Build, side: str, target: Floats, pole: Floats, shrug: float = 0.0) -> Turns:
    """Turns of one arm that bring its wrist to `target` (3,), or as near as the arm is long.

    `pole` (3,) is where the elbow points; `shrug` lifts the shoulder, degrees.
    """
    sign = 1 if side == "L" else -1
    names = ("shoulder01", "upperarm01", "lowerarm01", "wrist")
    pivot, shoulder, elbow, wrist = (
        build.joints.get(f"{name}.{side}", build.joints[f"upperarm01.{side}"]) for name in names
    )
    lifted = _about(np.array([0.0, 1.0, 0.0]), -sign * np.deg2rad(shrug))
    target, pole = lifted.T @ (target - pivot) + pivot, lifted.T @ pole
    upper, lower = elbow - shoulder, wrist - elbow
    a, b = float(np.linalg.norm(upper)), float(np.linalg.norm(lower))
    least = np.sqrt(a * a + b * b - 2 * a * b * np.cos(np.deg2rad(_FOLD)))
    way = target - shoulder
    far = float(np.clip(np.linalg.norm(way), least, 0.995 * (a + b)))
    way = way / max(1e-6, float(np.linalg.norm(way)))
    aside = pole - (pole @ way) * way
    aside = aside / max(1e-6, float(np.linalg.norm(aside)))
    cosine = float(np.clip((a * a + far * far - b * b) / (2 * a * far), -1, 1))
    to_elbow = a * (cosine * way + np.sqrt(1 - cosine * cosine) * aside)
    to_wrist = far * way - to_elbow
    hinge = np.cross(upper, lower)
    if np.linalg.norm(hinge) < 0.05 * a * b:  # a straight arm: it bends forwards
        hinge = np.cross(upper, np.array([0.0, -1.0, 0.0]))
    hinge = hinge / np.linalg.norm(hinge)
    turn = _frame(to_elbow, np.cross(to_elbow, to_wrist)) @ _frame(upper, hinge).T
    bent = turn.T @ to_wrist
    angle = np.arctan2(hinge @ np.cross(lower, bent), lower @ bent)
    return {
        f"shoulder01.{side}": lifted,
        f"upperarm01.{side}": turn,
        f"lowerarm01.{side}": _about(hinge, float(angle)),
    }


def gesture(rng: Rng, build: Build, kind: str, side: str, other: bool = False) -> Turns:
    """Turns of one arm for one of GESTURES; `other` for the second arm of the same gesture."""
    sign = 1 if side == "L" else -1
    arm, joints = build.arm, build.joints
    shoulder, hip = joints[f"upperarm01.{side}"], joints[f"upperleg01.{side}"]
    eye = joints["eye.L"]
    gap = 0.02 * (2 if other else 1) + 0.05 * arm
    front, chest = build.front - gap, 0.62 * shoulder[2] + 0.38 * hip[2]
    pole, shrug = np.array(_DOWN) + 0.4 * sign * np.array(_OUT), 0.0

    def drawn(low: float, high: float) -> float:
        return float(rng.uniform(low, high)) * arm

    if kind == "out":
        shrug = rng.uniform(0, 10)
        target = shoulder + np.array([sign * drawn(0.7, 1), drawn(-0.45, 0.15), drawn(-0.25, 0.35)])
        pole = np.array([0.0, 0.6, -1.0])
    elif kind == "up":
        shrug = rng.uniform(12, 30)
        target = shoulder + np.array([sign * drawn(-0.05, 0.6), drawn(-0.35, 0.05), drawn(0.55, 1)])
        pole = np.array([sign, 0.3, -0.3])
    elif kind == "hips":
        target = np.array([hip[0] + sign * drawn(0.12, 0.2), hip[1] - drawn(-0.05, 0.1),
                           hip[2] + drawn(0.25, 0.42)])  # fmt: skip
        pole = np.array([sign, rng.uniform(0, 0.9), 0.1])
    elif kind == "folded":
        target = np.array([-sign * drawn(0.08, 0.2), front - 0.03, chest + drawn(-0.12, 0.08)])
        pole = np.array([0.8 * sign, 0.0, -1.0])
    elif kind == "clasped":
        target = np.array([sign * drawn(0.1, 0.2), front, hip[2] + drawn(0, 0.35)])
        pole = np.array([sign, 0.7, -0.3])
    elif kind == "behind":
        target = np.array([sign * drawn(0.05, 0.3), build.back + gap, hip[2] + drawn(0.1, 0.35)])
        pole = np.array([sign, 0.6, 0.1])
    elif kind == "face":
        target = np.array([sign * drawn(0.1, 0.26), eye[1] - drawn(0.12, 0.3),
                           eye[2] - drawn(0.12, 0.45)])  # fmt: skip
    elif kind == "head":
        shrug = rng.uniform(5, 20)
        target = np.array([sign * drawn(0.25, 0.45), eye[1] + drawn(0, 0.4),
                           eye[2] + drawn(0, 0.3)])  # fmt: skip
        pole = np.array([sign, -0.2, 0.2])
    elif kind == "before":
        target = np.array([sign * drawn(-0.12, 0.45), front - drawn(0.05, 0.75),
                           rng.uniform(hip[2], eye[2])])  # fmt: skip
    else:  # beside
        target = shoulder + np.array([sign * drawn(0.15, 0.75), drawn(-0.4, 0.1), drawn(-0.85, 0)])
        pole = np.array([0.5 * sign, 0.5, -1.0])
    return reach(build, side, target, pole, shrug)
