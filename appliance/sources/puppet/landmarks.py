"""The 33 landmarks of a person, as BlazePose numbers them, and which of them a puppet goes by.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020. A pose is float32
(33, 4): x and y in pixels of the picture, z in the same unit towards the camera when negative, from
the hips' middle; and how likely the point is seen, 0..1.
"""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32

COUNT = 33
NOSE = 0
EYES, EARS, MOUTH = (3, 6), (7, 8), (9, 10)
SHOULDERS, ELBOWS, WRISTS, KNUCKLES = (11, 12), (13, 14), (15, 16), (19, 20)
HIPS, KNEES, ANKLES = (23, 24), (25, 26), (27, 28)
"""The person's left first, which is on the right in a picture from the front."""

Sides = tuple[int, int]


def middle(pose: F32, pair: Sides) -> F32:
    """The point half way between two landmarks, float32 (2,)."""
    return np.asarray((pose[pair[0], :2] + pose[pair[1], :2]) / 2, np.float32)


def seen(pose: F32, points: tuple[int, ...]) -> float:
    """How likely all of these points are seen."""
    return float(min(pose[point, 3] for point in points))


def is_whole(pose: F32) -> bool:
    """Whether a pose can be gone by: finite, and its shoulders apart."""
    if pose.shape != (COUNT, 4) or not np.isfinite(pose).all():
        return False
    left, right = pose[SHOULDERS[0], :2], pose[SHOULDERS[1], :2]
    return float(np.hypot(*(left - right))) >= 2.0
