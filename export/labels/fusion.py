"""One alpha from several teachers', and how far each pixel of it is to be believed."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from export.images import FloatImage

# Votes of each teacher. MediaPipe's has looked most often: whole picture, crops, mirrored.
VOTES = {"selfie": 2.0, "u2net": 1.0, "deeplab": 1.0, "pose": 1.0}
# A teacher that looks at something else altogether (a laptop, a poster) has no vote.
_LEAST_OVERLAP = 0.7
# Votes (as the mean of alphas) up to here and from here on are no longer in doubt.
_DOUBT = (0.25, 0.75)
_BAND = 0.008  # of the picture's longer side, on either side of the outline


def overlap(one: FloatImage, other: FloatImage) -> float:
    """Intersection over union at 0.5, where both have looked (are not NaN); 1 when both empty."""
    seen = ~(np.isnan(one) | np.isnan(other))
    a, b = (one > 0.5) & seen, (other > 0.5) & seen
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 1.0


def fuse(teachers: Mapping[str, FloatImage]) -> tuple[FloatImage, FloatImage]:
    """Alpha and weight, float32 (h, w) in [0, 1], of the teachers' alphas by name.

    `selfie` is always there and has no NaN; others may lack, or have NaN where they did not look.
    Where nearly all votes agree alpha is 0 or 1 and the weight 1; where they are split the weight
    is 0. Along the outline the teachers that know soft edges (all but `deeplab`) give alpha.
    """
    selfie = teachers["selfie"]
    trusted = {
        name: alpha
        for name, alpha in teachers.items()
        if name == "selfie" or overlap(selfie, alpha) >= _LEAST_OVERLAP
    }
    votes = _mean(trusted)
    low, high = _DOUBT
    alpha = np.clip((votes - low) / (high - low), 0, 1)
    sure = np.clip((np.abs(2 * votes - 1) - 0.3) / 0.4, 0, 1)
    if len(trusted) == 1:
        sure *= 0.5  # one voice only
    soft = {name: value for name, value in trusted.items() if name != "deeplab"}
    edge = _mean(soft)
    spread = np.max([np.abs(np.where(np.isnan(v), edge, v) - edge) for v in soft.values()], axis=0)
    band = _outline(votes, max(1, round(_BAND * max(votes.shape))))
    alpha = np.where(band, edge, alpha)
    # Soft by the teachers' small grids, not by nature: half at most.
    sure = np.where(band, 0.5 * np.clip(1 - spread / 0.4, 0, 1), sure)
    return alpha.astype(np.float32), sure.astype(np.float32)


def doubtful(alpha: FloatImage, weight: FloatImage) -> float:
    """Area that is in doubt, as a share of the people's: 0 is sure, above 1 hopeless."""
    people = max(float((alpha > 0.5).sum()), 1.0)
    return float(((weight < 0.1) & ~_outline(alpha, 3)).sum() / people)


def _mean(teachers: Mapping[str, FloatImage]) -> FloatImage:
    total = np.zeros(next(iter(teachers.values())).shape, np.float32)
    votes = np.zeros_like(total)
    for name, alpha in teachers.items():
        seen = ~np.isnan(alpha)
        total += np.where(seen, alpha, 0) * VOTES[name]
        votes += seen * VOTES[name]
    return np.asarray(total / np.maximum(votes, 1e-6), np.float32)


def _outline(alpha: FloatImage, radius: int) -> np.ndarray:
    inside = (alpha > 0.5).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(inside, kernel) > cv2.erode(inside, kernel)
