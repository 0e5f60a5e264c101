"""The look of a picture: its mean colour and its contrast, put on another picture.

The Monge-Kantorovich linear map between two Gaussians: Pitié and Kokaram, "The linear
Monge-Kantorovitch linear colour mapping for example-based colour transfer", CVMP 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import U8, Frame
from appliance.pixels.cpu.bake import F64

# Both pictures are measured on a grid this small, so that grain counts in neither.
_COLUMNS, _ROWS = 128, 72
# Variance, in codes squared, that every picture has at least: rounding, noise.
_LEAST = 2.0
_GAINS, _GAINS_OF_FACES = (0.5, 2.0), (0.7, 1.4)
# How far the mean of people may move, in codes.
_MOST_LUMA, _MOST_CHROMA = 24, 10


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Mean (3,) and covariance (3, 3) of Y, Cb, Cr, in codes of 0..255, and the weight behind."""

    mean: F64
    covariance: F64
    weight: float

    def plus(self, other: Moments) -> Moments:
        """Those of both pictures together."""
        weight = self.weight + other.weight
        share = other.weight / weight
        step = other.mean - self.mean
        covariance = (
            (1 - share) * self.covariance
            + share * other.covariance
            + share * (1 - share) * np.outer(step, step)
        )
        return Moments(self.mean + share * step, covariance, weight)


def moments(frame: Frame, alpha: U8 | None = None) -> Moments | None:
    """Those of a picture; None if nothing of it counts.

    ``alpha``: uint8 (height, width), how much each pixel counts; None: all alike.
    """
    size = (_COLUMNS, _ROWS)
    planes = np.empty((3, _ROWS * _COLUMNS))
    luma = cv2.resize(np.ascontiguousarray(frame.y), size, interpolation=cv2.INTER_AREA)
    chroma = cv2.resize(np.ascontiguousarray(frame.uv), size, interpolation=cv2.INTER_AREA)
    planes[0], planes[1:] = luma.reshape(-1), chroma.reshape(-1, 2).T
    weights = np.ones(_ROWS * _COLUMNS)
    if alpha is not None:
        small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).reshape(-1)
        # The soft edge is a mixture with what was behind.
        weights = (small >= 250).astype(np.float64)
    weight = float(weights.sum())
    if weight < 1:
        return None
    mean = planes @ weights / weight
    away = planes - mean[:, None]
    return Moments(mean, (away * weights) @ away.T / weight, weight)


def transfer(source: Moments, target: Moments, *, faces: bool = False) -> tuple[F64, F64]:
    """The affine map that gives ``source`` the mean and covariance of ``target``.

    Along no axis is contrast more than halved or doubled: a reference of one colour leaves a
    picture recognisable, and a wall of one colour does not become coloured noise.

    ``faces``: there are people in the source. Contrast then changes by less, and the mean moves no
    further than light of the reference's colour would move it: an all blue face is a mask.

    Returns a matrix (3, 3) and an offset (3,): v -> matrix v + offset.
    """
    least = _LEAST * np.eye(3)
    root = _root(source.covariance + least)
    back = np.linalg.inv(root)
    gain = back @ _root(root @ (target.covariance + least) @ root) @ back
    values, vectors = np.linalg.eigh((gain + gain.T) / 2)
    matrix = (vectors * np.clip(values, *(_GAINS_OF_FACES if faces else _GAINS))) @ vectors.T
    step = target.mean - source.mean
    if faces:
        step[0] = np.clip(step[0], -_MOST_LUMA, _MOST_LUMA)
        step[1:] *= min(1.0, _MOST_CHROMA / max(float(np.hypot(*step[1:])), 1e-6))
    return np.asarray(matrix), np.asarray(source.mean + step - matrix @ source.mean)


def _root(matrix: F64) -> F64:
    """The square root of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
