"""From the colours of two pictures to the map that takes one's to the other's, within limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Colour, Range

F64 = NDArray[np.float64]

LUMA_GAIN = (0.7, 1.4)
"""How much darker or brighter a person may become, in luma above black; of contrast, too."""

SKIN_SHIFT = 9.0
"""How far, of 255, the chroma of skin may be moved: further, and the person looks ill."""

CHROMA_SHIFT = 16.0
"""The same for the person's mean, whatever that is of."""

# Where the chroma of skin lies, whatever its tone, which is in luma (Chai and Ngan, "Face
# Segmentation Using Skin-Color Map in Videophone Applications", 1999).
_SKIN = ((77, 127), (133, 173))
# Fewer pixels than this part of the person are not taken for skin.
_LEAST_SKIN = 0.02
# Added to both covariances: what a picture of one colour, or noise, would make of them is no map.
_RIDGE = 4.0
# Standard deviations along each axis are stretched or shrunk by no more than this.
_STRETCH = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Colours:
    """Mean, float64 (3,), and covariance, float64 (3, 3), of Y, Cb, Cr.

    ``skin``: mean Y, Cb, Cr of what looks like skin, if there is any.
    """

    mean: F64
    covariance: F64
    skin: F64 | None = None


def colours_of(samples: F32, *, skin: bool = False) -> Colours:
    """What a picture's colours amount to.

    Args:
        samples: float32 (3, n), n > 1: Y, Cb, Cr, 0..255.
        skin: whether to look for skin.
    """
    mean = samples.mean(axis=1)
    away = samples - mean[:, None]
    covariance = (away @ away.T) / samples.shape[1]
    found = None
    if skin:
        (b0, b1), (r0, r1) = _SKIN
        cb, cr = samples[1], samples[2]
        there = (cb >= b0) & (cb <= b1) & (cr >= r0) & (cr <= r1)
        if there.mean() >= _LEAST_SKIN:
            found = samples[:, there].mean(axis=1).astype(np.float64)
    return Colours(mean.astype(np.float64), covariance.astype(np.float64), found)


def samples_of(luma: U8, chroma: U8) -> F32:
    """Every second sample, both ways, of small planes (rows, columns), (rows, columns, 2)."""
    cb, cr = chroma[::2, ::2, 0], chroma[::2, ::2, 1]
    return np.stack([luma[::2, ::2].ravel(), cb.ravel(), cr.ravel()]).astype(np.float32)


def transport(person: Colours, scene: Colours) -> F64:
    """The linear map between two Gaussians that moves the least: float64 (3, 4).

    Monge-Kantorovich: T = A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2, of the covariances A and B; Pitie and
    Kokaram, "The linear Monge-Kantorovitch linear colour mapping for example-based colour
    transfer", 2007.
    """
    a = person.covariance + _RIDGE * np.eye(3)
    b = scene.covariance + _RIDGE * np.eye(3)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse = (vectors / np.sqrt(values)) @ vectors.T
    values, vectors = np.linalg.eigh(root @ b @ root)
    middle = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    values, vectors = np.linalg.eigh(inverse @ middle @ inverse)
    linear = (vectors * np.clip(values, *_STRETCH)) @ vectors.T
    return np.column_stack([linear, scene.mean - linear @ person.mean])


def eased(map: F64, strength: float, person: Colours, colour: Colour) -> F32:
    """A part of a map, ``strength`` of 1, with what it does to a person kept within limits."""
    part = np.eye(3, 4) * (1 - strength) + strength * map
    low, high = LUMA_GAIN
    black = black_of(colour)
    # Nor so much brighter that foreheads and shirts burn out.
    bright = float(person.mean[0] + 2 * np.sqrt(person.covariance[0, 0])) - black
    high = min(high, max(1.0, (255 - 2.25 * black) / max(bright, 1.0)))
    own = max(float(person.mean[0]) - black, 1.0)
    neutral = np.array([black, 128.0, 128.0])
    gain = (float(part[0, :3] @ person.mean + part[0, 3]) - black) / own
    if not low <= gain <= high:
        # All of it darker or brighter, so that skin does not become paler or redder by this.
        by = float(np.clip(np.clip(gain, low, high) / max(gain, 1e-3), 0.5, 2.0))
        part *= by
        part[:, 3] += neutral * (1 - by)
        gain *= by
    if not low <= gain <= high:
        _keep(part[:1], (min(max(gain, low), high) - 1) / (gain - 1), np.eye(3, 4)[:1])
    # Around the mean, so that the mean does not move with it.
    contrast = float(np.clip(part[0, 0], low, high)) - part[0, 0]
    part[0, 0] += contrast
    part[0, 3] -= contrast * person.mean[0]
    moved = (part[:, :3] @ person.mean + part[:, 3])[1:] - person.mean[1:]
    keep = min(1.0, CHROMA_SHIFT / max(float(np.hypot(*moved)), 1e-6))
    if person.skin is not None:
        away = (part[:, :3] @ person.skin + part[:, 3])[1:] - person.skin[1:]
        keep = min(keep, SKIN_SHIFT / max(float(np.hypot(*away)), 1e-6))
    _keep(part[1:], keep, np.eye(3, 4)[1:])
    return part.astype(np.float32)


def _keep(part: F64, share: float, rest: F64) -> None:
    """Only a share of it, in place."""
    part *= share
    part += (1 - share) * rest


def black_of(colour: Colour) -> float:
    """Luma of black."""
    return 16.0 if colour.range is Range.LIMITED else 0.0
