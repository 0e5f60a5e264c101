"""Where things are on the resting body, in units of limb length and head height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.figures.body import PARTS, Body, Floats, Posed


@dataclass(frozen=True)
class Regions:
    """Where each vertex is on the resting body; the head is measured in head heights."""

    part: dict[str, NDArray[np.bool_]]
    height: Floats  # metres
    arm: Floats  # 0 at the shoulder, 1 elbow, 2 wrist, -1 elsewhere
    leg: Floats  # 0 at the hip, 1 knee, 2 ankle, -1 elsewhere
    tall: float
    hip: float
    waist: float
    neck: float
    ahead: Floats  # 0 at the eyes, increases towards the back
    above: Floats  # 0 at the eyes
    wide: Floats
    face: NDArray[np.bool_]
    scalp: Floats  # above zero where hair grows


def _along(points: Floats, start: Floats, end: Floats) -> Floats:
    axis = end - start
    return np.asarray((points - start) @ axis / (axis @ axis))


def _limb(
    rest: Floats, joints: dict[str, Floats], bones: tuple[str, str, str],
    parts: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]],
) -> Floats:  # fmt: skip
    """How far along a pair of limbs each vertex lies: 0..1 on the first bone, 1..2 the second."""
    far = np.full(len(rest), -1.0)
    for side, on in (("L", rest[:, 0] > 0), ("R", rest[:, 0] <= 0)):
        a, b, c = (joints[f"{bone}.{side}"] for bone in bones)
        upper, lower, end = (on & part for part in parts)
        far[upper] = np.clip(_along(rest[upper], a, b), 0, 1)
        far[lower] = 1 + np.clip(_along(rest[lower], b, c), 0, 1)
        far[end] = 2.1
    return far


def regions(body: Body, posed: Posed) -> Regions:
    """Measure the resting body."""
    rest, joints = posed.rest, posed.joints
    skin = np.zeros(len(rest), bool)  # without the helpers, which bones move too
    skin[body.faces[body.group == "body"]] = True
    part = {name: (body.part == i) & skin for i, name in enumerate(PARTS)}
    hip, eye = float(joints["upperleg01.L"][2]), joints["eye.L"]
    size = float(rest[part["head"], 2].max() - joints["head"][2])
    ahead = (rest[:, 1] - eye[1]) / size
    above = (rest[:, 2] - eye[2]) / size
    wide = np.abs(rest[:, 0]) / size
    line = np.maximum(0.33 - 0.9 * np.clip(ahead - 0.12, 0, 1.0), -0.55)
    ears = (wide > 0.3) & (above < 0.12) & (above > -0.25) & (ahead > 0.2) & (ahead < 0.6)
    return Regions(
        part=part,
        height=rest[:, 2],
        arm=_limb(rest, joints, ("upperarm01", "lowerarm01", "wrist"),
                  (part["upper arm"], part["forearm"], part["hand"])),
        leg=_limb(rest, joints, ("upperleg01", "lowerleg01", "foot"),
                  (part["thigh"], part["shin"], part["foot"])),
        tall=float(np.ptp(rest[:, 2])),
        hip=hip,
        waist=hip + 0.35 * (float(joints["spine01"][2]) - hip),
        neck=float(joints["neck01"][2]),
        ahead=ahead, above=above, wide=wide,
        face=part["head"] & (ahead < 0.33) & (above < 0.3),
        scalp=np.where(part["head"] & ~ears, above - line, -1.0),
    )  # fmt: skip
