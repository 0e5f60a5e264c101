"""Alpha of somebody filmed before a plain wall: the wall is fitted, and from then on known.

Portraits from a studio (portraits.py) show single hairs and get a wide band; a small or coded
frame does not, and a wide band there made hair grey and edges a pixel too narrow or too wide.
"""

from __future__ import annotations

import numpy as np

from export.images import FloatImage, UInt8Image
from export.labels.fixed_camera import narrow_trimap
from export.labels.known_background import alpha_before
from export.labels.portraits import (
    Cutout,
    beside,
    cutout_of,
    difference_from,
    fit_wall,
    to_bgr,
    to_lab,
)

_BAND = 0.02  # of the height, to either side of the edge
_UNLIKE = 9.0  # twice a scene's: a fitted wall is smoother than what was filmed


def cut_out_of_wall(image: UInt8Image, teacher: FloatImage, lightness: float = 1.0) -> Cutout:
    """Cut the largest person out of a frame (h, w, 3) BGR uint8, given a coarse alpha (h, w).

    `lightness` weighs L against a and b when the edge is looked for: well under 1 before a
    coloured wall or in soft shadows, which change L alone. Raises ValueError when the wall cannot
    be fitted or nobody is there.
    """
    lab = to_lab(image)
    far = beside(teacher)
    wall, spread = fit_wall(lab, far)
    weighed = np.divide(spread, np.array((lightness, 1, 1), np.float32), dtype=np.float32)
    difference = difference_from(lab, wall, weighed)
    quality = float((difference[far] < 4).mean())
    known = narrow_trimap(difference, teacher, np.ones(teacher.shape, bool), _BAND, _UNLIKE)
    return cutout_of(image, alpha_before(image, to_bgr(wall), known), quality)
