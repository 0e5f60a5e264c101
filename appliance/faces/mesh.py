"""What is read off the 468 points of a face: how it lies in the picture, and how its mouth stands.

Face coordinates are the picture's turned and scaled so that the outer corners of the eyes lie at
(-0.5, 0) and (0.5, 0), as they do on average over an avatar: y grows downwards, the mouth is at
about (0, 0.75). A similarity is one complex pair (a, b): picture = a * face + b.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32

C128 = NDArray[np.complex128]

EYES = (33, 263)
"""Outer corners, the one on the left in a picture from the front first."""
_NOSE, _INNER_EYES = 4, (133, 362)
# What speaking does not move: corners of the eyes, bridge, tip and base of the nose.
_STILL = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327)
_WEIGHTS = np.array([1.0] * 8 + [1.0, 1.0, 1.5, 2.0, 2.0, 2.0])
_CORNERS = (61, 291)
_INNER_LIPS = ((82, 87), (13, 14), (312, 317))


def as_complex(points: F32) -> C128:
    """X and y of points, float (n, 2 or more), as complex numbers (n,)."""
    return np.asarray(points[:, 0] + 1j * points[:, 1], np.complex128)


def still_points(points: C128) -> C128:
    """Those of 468 points that speaking does not move, (14,)."""
    return points[list(_STILL)]


def by_eyes(points: C128) -> tuple[complex, complex]:
    """The similarity by the outer corners of the eyes alone: a first one, for the average."""
    left, right = complex(points[EYES[0]]), complex(points[EYES[1]])
    return right - left, (left + right) / 2


def fit(template: C128, points: C128) -> tuple[complex, complex]:
    """The similarity that takes ``template`` to ``points``, both (14,), by least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    1991, in complex form, where it is a plain regression.
    """
    w = _WEIGHTS / _WEIGHTS.sum()
    centre, other = complex((w * template).sum()), complex((w * points).sum())
    t, p = template - centre, points - other
    a = complex((w * np.conj(t) * p).sum() / (w * np.abs(t) ** 2).sum())
    return a, other - a * centre


def mouth_of(points: C128, size: float) -> tuple[float, float]:
    """How far the lips are apart, and how far their corners, in parts of ``size`` (eye to eye)."""
    apart = np.mean([abs(points[lower] - points[upper]) for upper, lower in _INNER_LIPS])
    return float(apart) / size, float(abs(points[_CORNERS[1]] - points[_CORNERS[0]])) / size


def turn_of(points: C128, a: complex, b: complex) -> tuple[float, float]:
    """How far the head is turned and nods: where the nose's tip is between the inner eye corners.

    Face coordinates; about -0.2 to 0.2 round an avatar's own mean.
    """
    middle = (points[_INNER_EYES[0]] + points[_INNER_EYES[1]]) / 2
    tip = (points[_NOSE] - middle) / a
    return float(tip.real), float(tip.imag)
