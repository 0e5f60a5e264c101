"""The still's person as a figure that can be moved: bones at rest, and which limbs are free."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from appliance.media.frame import F32, U8
from appliance.sources.puppet import landmarks as lm
from appliance.sources.puppet.skin import F64, Bone

LIMBS: dict[str, tuple[int, ...]] = {
    "left arm": (11, 13, 15, 19),
    "right arm": (12, 14, 16, 20),
    "left leg": (23, 25, 27, 31),
    "right leg": (24, 26, 28, 32),
}
"""The joints of each limb, from the body outwards; the last one ends hand or foot."""

# Thickness of bones, in shoulder widths.
_CHEST, _HEAD, _BASE = 0.55, 0.5, 0.5
# Half as wide as limbs are at least, usually, and at most; by their first joint.
_ARM, _LEG = (0.08, 0.14, 0.24), (0.1, 0.17, 0.3)
_SEEN = 0.5
# Of a hand's or a foot's bone.
_FINGERS = 0.8
# As thick as the bone before it, at most so many times.
_HAND = 1.2
# In shoulder widths: as much of the picture's lower edge as feet alone do not take.
_CUT_OFF = 0.25
# A joint lies at least so far, in shoulder widths, from the picture's border.
_MARGIN = 0.08


class PuppetLimb(NamedTuple):
    """A limb that moves by itself: its joints, and its bones at rest, from the body outwards."""

    joints: tuple[int, ...]
    bones: tuple[Bone, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PuppetFigure:
    """A person at rest, in the picture's pixels.

    Attributes:
        pose: the landmarks, float32 (33, 4). width: between the shoulders, pixels.
        stands: whether the hips move, too; else what is below the chest stays where it is.
        base, chest, head: bones. trunk: float64 (4, 2), its corners. limbs: those that move by
            themselves, by name; the others are part of the chest or of what it stands on.
    """

    pose: F32
    width: float
    stands: bool
    base: Bone
    chest: Bone
    head: Bone
    trunk: F64
    limbs: dict[str, PuppetLimb]


def make_figure(pose: F32, alpha: U8) -> PuppetFigure:
    """The figure of a pose.

    Args:
        pose: float32 (33, 4), which ``landmarks.is_whole``.
        alpha: uint8 (rows, columns), the person.
    """
    left, right = pose[lm.SHOULDERS[0], :2], pose[lm.SHOULDERS[1], :2]
    shoulders, ears = _point(lm.middle(pose, lm.SHOULDERS)), _point(lm.middle(pose, lm.EARS))
    # Seen from the side, shoulders lie behind each other: the head's height says as much.
    width = max(float(np.hypot(*(left - right))), 0.9 * float(np.hypot(*(ears - shoulders))))
    hips = [_point(pose[point]) for point in lm.HIPS]
    # Whoever the picture's lower edge cuts off stays on it: there is nothing below to be shown.
    cut_off = int((alpha[-2:] > 127).any(axis=0).sum()) > _CUT_OFF * width
    stands = not cut_off and _inside(pose, lm.HIPS + lm.KNEES, alpha, width)
    if stands:
        middle, half = (hips[0] + hips[1]) / 2, np.array([0.5 * width, 0.0])
        base = Bone(middle - half, middle + half, _BASE * width)
    else:
        base = _edge(alpha, shoulders, width)
    if lm.seen(pose, lm.HIPS) < _SEEN:
        down = np.array([0.0, 1.2 * width])
        hips = [
            _point(left) * 0.8 + shoulders * 0.2 + down,
            _point(right) * 0.8 + shoulders * 0.2 + down,
        ]
    mouth = _point(lm.middle(pose, lm.MOUTH))
    # From the chin's height over the face to the crown.
    crown = ears + (ears - mouth) * 1.2
    chest = Bone(_point(left), _point(right), _CHEST * width)
    head = Bone(mouth, crown, _HEAD * width)
    limbs = {
        name: PuppetLimb(joints, _bones(pose, joints, alpha, width))
        for name, joints in LIMBS.items()
        if (stands or joints[0] in lm.SHOULDERS) and _inside(pose, joints, alpha, width)
    }
    arms = {name: limb for name, limb in limbs.items() if limb.joints[0] in lm.SHOULDERS}
    if any(_crossed(pose, limb, _ARM[1] * width) for limb in arms.values()):
        limbs = {name: limb for name, limb in limbs.items() if name not in arms}
    trunk = np.stack([_point(left), _point(right), hips[1], hips[0]])
    return PuppetFigure(pose, width, stands, base, chest, head, trunk, limbs)


def _crossed(pose: F32, arm: PuppetLimb, usual: float) -> bool:
    """Whether the other arm lies on this one, so that neither is seen whole."""
    other = next(j for j in (LIMBS["left arm"], LIMBS["right arm"]) if j != arm.joints)
    places = [_point(pose[joint]) for joint in other[1:]]
    # Below the elbows.
    for bone, (start, end) in itertools.product(arm.bones[1:], itertools.pairwise(places)):
        shares = np.linspace(0, 1, 9)[:, None]
        ours = bone.start + shares * (bone.end - bone.start)
        theirs = start + shares * (end - start)
        nearest = float(np.linalg.norm(ours[:, None] - theirs[None], axis=2).min())
        if nearest < bone.thick + usual:
            return True
    return False


def _edge(alpha: U8, shoulders: F64, width: float) -> Bone:
    """Where a person who is cut off below stands: along the lowest rows of the matte."""
    solid = alpha > 127
    rows = np.flatnonzero(solid.any(axis=1))
    bottom = int(rows[-1]) if len(rows) else alpha.shape[0] - 1
    columns = np.flatnonzero(solid[max(0, bottom - 4) : bottom + 1].any(axis=0))
    left, right = (columns[0], columns[-1]) if len(columns) else (shoulders[0], shoulders[0])
    at = max(float(bottom), float(shoulders[1]) + 0.25 * width)
    return Bone(np.array([float(left), at]), np.array([float(right), at]), _BASE * width)


def _point(place: F32) -> F64:
    return np.asarray(place[:2], np.float64)


def _bones(pose: F32, joints: tuple[int, ...], alpha: U8, width: float) -> tuple[Bone, ...]:
    """A limb's bones, as thick as the matte says on the side away from the body."""
    places = [_point(pose[joint]) for joint in joints]
    # Fingers and toes go on beyond the last joint.
    places[-1] = places[-1] + _FINGERS * (places[-1] - places[-2])
    least, usual, most = (width * share for share in (_ARM if joints[0] in lm.SHOULDERS else _LEG))
    middle = _point(lm.middle(pose, lm.SHOULDERS) + lm.middle(pose, lm.HIPS)) / 2
    bones: list[Bone] = []
    for start, end in itertools.pairwise(places):
        found = _outwards(start, end, middle, alpha, 1.5 * most)
        half = usual if found is None else min(max(found, least), most)
        if len(bones) == 2:
            # A hand before the body shows no edge of its own.
            half = min(half, _HAND * bones[1].thick)
        bones.append(Bone(start, end, half))
    return tuple(bones)


def _outwards(start: F64, end: F64, body: F64, alpha: U8, farthest: float) -> float | None:
    """How far it is from a bone to the matte's edge, away from the body; None for too far."""
    along = end - start
    length = float(np.hypot(*along))
    if length < 1:
        return None
    across = np.array([-along[1], along[0]]) / length
    if across @ ((start + end) / 2 - body) < 0:
        across = -across
    steps = np.arange(0, farthest, 0.5)
    found = []
    for share in np.linspace(0.25, 0.9, 9):
        points = np.rint(start + share * along + steps[:, None] * across).astype(int)
        inside = (points >= 0).all(1) & (points < alpha.shape[::-1]).all(1)
        solid = np.zeros(len(points), bool)
        solid[inside] = alpha[points[inside, 1], points[inside, 0]] > 127
        ends = np.flatnonzero(~solid)
        found.append(steps[ends[0]] if len(ends) else np.inf)
    middle = float(np.median(found))
    return middle if np.isfinite(middle) else None


def _inside(pose: F32, joints: tuple[int, ...], alpha: U8, width: float) -> bool:
    """Whether all of these are seen, inside the picture, and on the person."""
    rows, columns = alpha.shape
    near = _MARGIN * width
    for n, joint in enumerate(joints):
        x, y, _, likely = (float(value) for value in pose[joint])
        if not (near <= x <= columns - 1 - near and near <= y <= rows - 1 - near):
            return False
        # A hand is thin: the network's guess may lie beside it.
        if n < 3 and (likely < _SEEN or alpha[round(y), round(x)] < 128):
            return False
    return True
