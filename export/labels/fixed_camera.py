"""Alpha of people before a fixed camera: the empty scene is estimated and subtracted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from export.images import FloatImage, UInt8Image
from export.labels.known_background import alpha_before
from export.labels.portraits import Cutout, cutout_of, difference_from, disc, to_bgr, to_lab


def empty_scene(
    frames: Sequence[UInt8Image], teachers: Sequence[FloatImage], margin: float = 0.03
) -> tuple[UInt8Image, NDArray[np.bool_]]:
    """Median of what is seen of the scene beside the person, over frames of one camera.

    `frames` BGR uint8 (h, w, 3), `teachers` coarse alphas (h, w); `margin`, a share of the
    height, keeps clear of the person's edge. Returns the scene and where it was seen at least
    three times; the rest is inpainted. Raises ValueError when no frame is given.
    """
    if not frames:
        raise ValueError("no frames given, at least one expected: check the clip can be read")
    height, width = frames[0].shape[:2]
    stack = np.stack(frames).astype(np.float32)
    hidden = np.stack(
        [cv2.dilate((t > 0.1).astype(np.uint8), disc(margin * height)) > 0 for t in teachers]
    )
    seen = (~hidden).sum(axis=0) >= 3
    stack[hidden] = np.nan
    # nanmedian warns of all-nan columns: give them a value, they are inpainted below.
    stack[:, ~seen] = 0.0
    scene = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, 32):
        scene[top : top + 32] = np.nanmedian(stack[:, top : top + 32], axis=0).astype(np.uint8)
    scene = np.asarray(cv2.inpaint(scene, (~seen).astype(np.uint8), 5, cv2.INPAINT_TELEA), np.uint8)
    return scene, seen


def cut_out_of_scene(
    image: UInt8Image,
    teacher: FloatImage,
    scene: UInt8Image,
    seen: NDArray[np.bool_],
    colourful: float = np.inf,
) -> Cutout:
    """Cut the largest person out of a fixed camera's frame (h, w, 3) BGR uint8.

    Where the scene was never `seen` the coarse `teacher` alpha alone decides. Where its chroma
    exceeds `colourful`, lightness counts a quarter: shadows and reflections on a coloured floor
    are darker or lighter, but of its colour.
    """
    height = image.shape[0]
    lab, wall = to_lab(image), to_lab(scene)
    far = (cv2.dilate((teacher > 0.1).astype(np.uint8), disc(0.06 * height)) == 0) & seen
    if int(far.sum()) > 500:
        # Automatic exposure drifts: bring the scene to this frame by its median shift.
        wall = wall + np.median((lab - wall)[far], axis=0)
        residual = np.abs(lab - wall)[far]
        spread = np.maximum(1.4826 * np.median(residual, axis=0), (1.8, 1.0, 1.0))
    else:
        spread = np.array((2.0, 1.2, 1.2))
    wall = wall.astype(np.float32)
    spread = np.broadcast_to(spread.astype(np.float32), wall.shape).copy()
    spread[np.hypot(wall[..., 1], wall[..., 2]) > colourful, 0] *= 4
    difference = difference_from(lab, wall, spread)
    quality = float((difference[far] < 4).mean()) if far.any() else 0.0
    known = narrow_trimap(difference, teacher, seen)
    return cutout_of(image, alpha_before(image, to_bgr(wall), known), quality)


def narrow_trimap(
    difference: FloatImage,
    teacher: FloatImage,
    seen: NDArray[np.bool_],
    band: float = 0.008,
    unlike: float = 4.5,
) -> FloatImage:
    """0 background, 1 foreground, 0.5 unknown, float32 (h, w): a thin band round the edge.

    A webcam resolves no single hairs, so a wide band would only let skin and wall mix.
    `band` is its half width as a share of the height; from the difference `unlike` on a pixel
    near the person is theirs.
    """
    height = teacher.shape[0]
    near = cv2.dilate((teacher > 0.3).astype(np.uint8), disc(0.03 * height)) > 0
    theirs = np.where(seen, (difference > unlike) & near, teacher > 0.5)
    # Clothes of the wall's own colour: the teacher's certainty stands in for the difference.
    solid: NDArray[Any] = (theirs | (teacher > 0.9)).astype(np.uint8)
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc(2))
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, disc(2))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    if count > 1:
        solid = (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    result = np.full(teacher.shape, 0.5, np.float32)
    result[cv2.erode(solid, disc(band * height), borderValue=1) > 0] = 1.0
    result[cv2.dilate(solid, disc(band * height)) == 0] = 0.0
    return result
