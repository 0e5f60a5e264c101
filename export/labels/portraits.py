"""Near-true alpha of a person before a plain wall.

The wall's colour is fitted as a smooth function of x and y, the difference from it gives a
trimap, closed-form matting (Levin et al., 2008) solves the band, and multi-level foreground
estimation (Germer et al., 2020) removes the wall's colour from the soft pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from export.images import FloatImage, UInt8Image


@dataclass(frozen=True)
class Cutout:
    """A person cut out: `foreground` BGR uint8 (h, w, 3), `alpha` uint8 (h, w)."""

    foreground: UInt8Image
    alpha: UInt8Image
    quality: float  # share of sure-background pixels that the wall's fit explains, 0..1


def _terms(height: int, width: int) -> NDArray[np.float32]:
    """Polynomial terms (h, w, 8): quadratic in x, cubic in y (studio walls shade vertically)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = x / width * 2 - 1
    y = y / height * 2 - 1
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y, x * x * y, y * y * y], axis=2)


def fit_wall(
    lab: FloatImage, background: NDArray[np.bool_]
) -> tuple[FloatImage, NDArray[np.float32]]:
    """Fit the wall's Lab colour where `background` holds.

    Returns the wall (h, w, 3) and the robust spread of each channel (3,). Raises ValueError when
    too little background is known.
    """
    if int(background.sum()) < 500:
        raise ValueError(
            f"only {int(background.sum())} background pixels known, at least 500 expected: "
            "the person fills the picture; leave this one out"
        )
    terms = _terms(*lab.shape[:2])
    rows = terms[background].astype(np.float64)
    values = lab[background].astype(np.float64)
    keep: NDArray[np.bool_] = np.ones(len(rows), bool)
    spread: NDArray[np.floating[Any]] = np.ones(3)
    coefficients: NDArray[np.floating[Any]] = np.zeros((rows.shape[1], 3))
    for _ in range(4):
        gram = rows[keep].T @ rows[keep] + 1e-3 * len(rows) / 1000 * np.eye(rows.shape[1])
        coefficients = np.linalg.solve(gram, rows[keep].T @ values[keep])
        residual = np.abs(values - rows @ coefficients)
        spread = np.maximum(1.4826 * np.median(residual[keep], axis=0), (1.0, 0.6, 0.6))
        keep = np.all(residual < 3.5 * spread, axis=1)
        if keep.sum() < 300:
            break
    return (terms @ coefficients.astype(np.float32)), spread.astype(np.float32)


def disc(radius: float) -> UInt8Image:
    """A round structuring element, uint8, of about this radius in pixels."""
    size = 2 * max(1, round(radius)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(kernel, np.uint8)


def trimap(difference: FloatImage, teacher: FloatImage) -> FloatImage:
    """0 background, 1 foreground, 0.5 unknown, float32 (h, w).

    `difference` is the distance from the wall in units of its own spread; `teacher` the coarse
    alpha. The teacher decides far from its edge, the difference decides near it.
    """
    height = teacher.shape[0]
    person = (teacher > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(person)
    if count > 1:
        person = (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    inner = cv2.erode(person, disc(0.045 * height), borderValue=1) > 0
    near = cv2.dilate(person, disc(0.02 * height)) > 0
    reach = cv2.dilate(person, disc(0.10 * height)) > 0
    unlike = (difference > 9).astype(np.uint8)
    like = difference < 3.5
    # Strong difference is foreground only after its own rim has been given to the solver.
    solid = cv2.erode(unlike & near, disc(0.012 * height), borderValue=1) > 0
    foreground = inner | solid
    like_core = cv2.erode((like & ~inner).astype(np.uint8), disc(1), borderValue=1) > 0
    background = ~reach | (like_core & ~(cv2.erode(person, disc(0.02 * height)) > 0))
    # Isolated wall specks inside hair must stay unknown: background needs some extent.
    background = cv2.morphologyEx(background.astype(np.uint8), cv2.MORPH_OPEN, disc(2)) > 0
    result = np.full(teacher.shape, 0.5, np.float32)
    result[background] = 0.0
    result[foreground] = 1.0
    return result


def difference_from(lab: FloatImage, wall: FloatImage, spread: NDArray[np.float32]) -> FloatImage:
    """Distance of a Lab image from its wall in units of twice the wall's spread, (h, w)."""
    squares: FloatImage = (((lab - wall) / (2.0 * spread)) ** 2).sum(axis=2)
    return np.sqrt(squares)


def to_lab(image: UInt8Image) -> FloatImage:
    """CIE Lab float32 (h, w, 3) of a BGR uint8 image, its noise smoothed but not its edges."""
    lab = np.asarray(
        cv2.cvtColor(np.asarray(image, np.float32) / 255.0, cv2.COLOR_BGR2Lab), np.float32
    )
    return np.asarray(cv2.bilateralFilter(lab, 5, 6, 2), np.float32)


def to_bgr(lab: FloatImage) -> UInt8Image:
    """BGR uint8 (h, w, 3) of CIE Lab float32."""
    colours = cv2.cvtColor(np.asarray(lab, np.float32), cv2.COLOR_Lab2BGR)
    return np.clip(colours * 255, 0, 255).astype(np.uint8)


def beside(teacher: FloatImage, share: float = 0.05) -> NDArray[np.bool_]:
    """Where the coarse alpha (h, w) sees nobody, nor within that share of the height."""
    return cv2.dilate((teacher > 0.2).astype(np.uint8), disc(share * teacher.shape[0])) == 0


def cut_out(image: UInt8Image, teacher: FloatImage) -> Cutout:
    """Alpha and clean foreground of a BGR uint8 portrait (h, w, 3), given a coarse alpha (h, w).

    Raises ValueError when the wall cannot be fitted.
    """
    lab = to_lab(image)
    far = beside(teacher)
    wall, spread = fit_wall(lab, far)
    difference = difference_from(lab, wall, spread)
    quality = float((difference[far] < 4).mean())
    return solve(image, trimap(difference, teacher), quality)


def _rgb(image: UInt8Image) -> NDArray[np.float64]:
    return (np.asarray(image, np.float32) / 255.0)[:, :, ::-1].astype(np.float64)


def solve(image: UInt8Image, known: FloatImage, quality: float = 1.0) -> Cutout:
    """Closed-form alpha of a BGR uint8 image under a trimap (0, 0.5, 1), and its foreground."""
    # Imported late: numba compiles it for half a minute the first time.
    from pymatting import estimate_alpha_cf

    alpha = estimate_alpha_cf(
        _rgb(image),
        known.astype(np.float64),
        laplacian_kwargs={"epsilon": 1e-6},
        cg_kwargs={"maxiter": 600, "rtol": 1e-5},
    )
    return cutout_of(image, alpha, quality)


def cutout_of(image: UInt8Image, alpha: NDArray[np.float64], quality: float) -> Cutout:
    """The largest of what a solver's alpha (h, w) shows, with its clean colours."""
    from pymatting import estimate_foreground_ml

    # Stretch away the solver's faint haze at both ends.
    alpha = largest(np.clip((alpha - 0.03) / 0.94, 0, 1))
    foreground = estimate_foreground_ml(_rgb(image), alpha)[:, :, ::-1]
    return Cutout(
        foreground=np.round(np.clip(foreground, 0, 1) * 255).astype(np.uint8),
        alpha=np.round(alpha * 255).astype(np.uint8),
        quality=quality,
    )


def largest(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zero every island of alpha that is not joined to the largest one."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.05).astype(np.uint8))
    if count <= 2:
        return alpha
    keep = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    grown = cv2.dilate((labels == keep).astype(np.uint8), disc(2)) > 0
    return np.where(grown, alpha, 0.0)
