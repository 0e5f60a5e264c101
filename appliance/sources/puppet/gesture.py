"""What the driving person does, as numbers that another figure can do: 0 is that figure's rest.

Body and head by what changed since the driving person's usual pose, so that the still's own bearing
is the middle of it; free limbs by the direction of each bone in space, carried over to the still's
own lengths.
"""

from __future__ import annotations

import cmath
import math

import numpy as np

from appliance.media.frame import F32
from appliance.sources.puppet import landmarks as lm
from appliance.sources.puppet.figure import PuppetFigure, PuppetLimb
from appliance.sources.puppet.skin import F64, REST, applied

BODY = "body"

Gesture = dict[str, F64]
"""Numbers by part ("body", and free limbs by name); a part that is not seen is missing.

The body's are complex numbers in disguise, (N, 2): shift of what it stands on and of the chest in
shoulder widths, then the logarithms (stretch, turn) of base, chest, neck and head. A limb's are
those of its bones. Turns in radians, clockwise as seen; all of them 0 at rest.
"""

_SEEN = 0.5
# In shoulder widths, from the shoulder to the middle of elbow and wrist.
_BEHIND, _STAYS_BEHIND = 0.45, 0.25
# Of a bone's own length, where the driving one points at the camera or away.
_SHORTEST, _LONGEST = math.log(0.35), math.log(1.25)
_NECK = (math.log(0.75), math.log(1.2))
# In shoulder widths: as far as a chest goes that stands on an edge of the picture.
_FARTHEST = 0.3
_MOST_TURN, _MOST_TURN_SEATED, _MOST_HEAD = math.radians(60), math.radians(20), math.radians(45)


def read_gesture(figure: PuppetFigure, pose: F32, usual: F32) -> Gesture:
    """What a pose would be if the figure did it.

    Args:
        figure: who is to do it.
        pose: the driving person's, float32 (33, 4). usual: their usual pose. Both whole.
    """
    found = {BODY: _body(figure, pose, usual)}
    for name, limb in figure.limbs.items():
        if lm.seen(pose, limb.joints[:3]) >= _SEEN:
            found[name] = _limb(figure.pose, pose, limb)
    return found


def hidden_limbs(figure: PuppetFigure, pose: F32, before: frozenset[str]) -> frozenset[str]:
    """The limbs that are behind the body in a pose; ``before``: those that were so last."""
    scale = max(abs(_complex(pose, lm.SHOULDERS[:1], lm.SHOULDERS[1:])), 1e-3)
    found = set()
    for name, limb in figure.limbs.items():
        deeper = float(pose[list(limb.joints[1:3]), 2].mean() - pose[limb.joints[0], 2]) / scale
        # Depth is the least certain of all: no flicker between the two.
        if deeper > (_STAYS_BEHIND if name in before else _BEHIND):
            found.add(name)
    return frozenset(found)


def _body(figure: PuppetFigure, pose: F32, usual: F32) -> F64:
    scale = max(abs(_complex(usual, lm.SHOULDERS[:1], lm.SHOULDERS[1:])), 1e-3)
    shift, base, most = 0j, 0j, _MOST_TURN_SEATED
    chest = _shift(pose, usual, lm.SHOULDERS) / scale
    if figure.stands and min(lm.seen(pose, lm.HIPS), lm.seen(usual, lm.HIPS)) >= _SEEN:
        shift, most = _shift(pose, usual, lm.HIPS) / scale, _MOST_TURN
        base = _turned(pose, usual, lm.HIPS[:1], lm.HIPS[1:], most)
        # By the torso's turn and stretch, which hold for other lengths, too.
        torso = cmath.exp(_changed(pose, usual, lm.HIPS, lm.SHOULDERS))
        own = _complex(figure.pose, lm.HIPS, lm.SHOULDERS) / figure.width
        chest = shift + (torso - 1) * own
    elif abs(chest) > 0:
        chest *= _FARTHEST * math.tanh(abs(chest) / _FARTHEST) / abs(chest)
    neck = _changed(pose, usual, lm.SHOULDERS, lm.EARS)
    stretch = min(max(neck.real, _NECK[0]), _NECK[1])
    numbers = [
        shift,
        chest,
        base,
        _turned(pose, usual, lm.SHOULDERS[:1], lm.SHOULDERS[1:], most),
        complex(stretch, min(max(neck.imag, -_MOST_HEAD), _MOST_HEAD)),
        _turned(pose, usual, (lm.EARS[0], lm.EYES[0]), (lm.EARS[1], lm.EYES[1]), _MOST_HEAD),
    ]
    return np.array([[number.real, number.imag] for number in numbers])


def _limb(own: F32, pose: F32, limb: PuppetLimb) -> F64:
    """For each bone the change from the still's to the driving one's direction in space."""
    found = []
    for a, b in zip(limb.joints, limb.joints[1:], strict=False):
        ours, theirs = own[b, :3] - own[a, :3], pose[b, :3] - pose[a, :3]
        length = float(np.linalg.norm(theirs))
        if length < 1e-3:
            found.append([0.0, 0.0])
            continue
        aimed = theirs * (float(np.linalg.norm(ours)) / length)
        changed = _log_ratio(complex(*aimed[:2]), complex(*ours[:2]))
        found.append([min(max(changed.real, _SHORTEST), _LONGEST), changed.imag])
    return np.array(found)


def _complex(pose: F32, start: tuple[int, ...], end: tuple[int, ...]) -> complex:
    """From the middle of some landmarks to that of others, x + iy."""
    way = pose[list(end), :2].mean(axis=0) - pose[list(start), :2].mean(axis=0)
    return complex(float(way[0]), float(way[1]))


def _shift(pose: F32, usual: F32, points: tuple[int, ...]) -> complex:
    way = pose[list(points), :2].mean(axis=0) - usual[list(points), :2].mean(axis=0)
    return complex(float(way[0]), float(way[1]))


def _log_ratio(now: complex, before: complex) -> complex:
    """Log stretch + i turn; 0 where one of them has no direction."""
    if abs(now) < 1e-6 or abs(before) < 1e-6:
        return 0j
    return cmath.log(now / before)


def _changed(pose: F32, usual: F32, start: tuple[int, ...], end: tuple[int, ...]) -> complex:
    return _log_ratio(_complex(pose, start, end), _complex(usual, start, end))


def _turned(
    pose: F32, usual: F32, start: tuple[int, ...], end: tuple[int, ...], most: float
) -> complex:
    """The turn alone: a line between two sides grows shorter when the person looks aside."""
    return 1j * min(max(_changed(pose, usual, start, end).imag, -most), most)


def turns(figure: PuppetFigure, gesture: Gesture) -> dict[str, list[F64]]:
    """Where each bone goes: maps from rest, (2, 3), by part.

    The body's are of base, chest and head, those of a limb from the body outwards. A part that is
    missing rests, on what carries it.
    """
    body = gesture.get(BODY)
    if body is None:
        body = np.zeros((6, 2))
    shift, chest_at, base, chest, neck, head = (complex(*row) for row in body)
    shoulders = _at(figure.pose, lm.SHOULDERS)
    ears = _at(figure.pose, lm.EARS)
    hips = complex(*((figure.base.start + figure.base.end) / 2))
    top = shoulders + chest_at * figure.width
    torso = [
        _map(base, hips, hips + shift * figure.width),
        _map(chest, shoulders, top),
        _map(head, ears, top + cmath.exp(neck) * (ears - shoulders)),
    ]
    found = {BODY: torso}
    for name, limb in figure.limbs.items():
        carrier = torso[0] if limb.joints[0] in lm.HIPS else torso[1]
        found[name] = _limb_turns(limb, gesture.get(name), carrier)
    return found


def _limb_turns(limb: PuppetLimb, numbers: F64 | None, carrier: F64) -> list[F64]:
    if numbers is None:
        return [carrier for _ in limb.bones]
    found = []
    at = complex(*applied(carrier, limb.bones[0].start))
    for bone, (stretch, turn) in zip(limb.bones, numbers, strict=True):
        start, end = complex(*bone.start), complex(*bone.end)
        found.append(_map(complex(stretch, turn), start, at, along=end - start))
        at += cmath.exp(complex(stretch, turn)) * (end - start)
    return found


def _at(pose: F32, points: tuple[int, ...]) -> complex:
    way = pose[list(points), :2].mean(axis=0)
    return complex(float(way[0]), float(way[1]))


def _map(change: complex, pivot: complex, to: complex, along: complex = 1) -> F64:
    """Turn about ``pivot``, stretch along a direction, and set the pivot down at ``to``."""
    if change == 0 and pivot == to:
        return REST
    c, s = math.cos(change.imag), math.sin(change.imag)
    turn = np.array([[c, -s], [s, c]])
    if change.real and abs(along) > 0:
        way = np.array([along.real, along.imag]) / abs(along)
        turn = turn @ (np.eye(2) + (math.exp(change.real) - 1) * np.outer(way, way))
    shift = np.array([to.real, to.imag]) - turn @ np.array([pivot.real, pivot.imag])
    return np.column_stack((turn, shift))
