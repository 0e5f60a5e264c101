"""Colours of skin, hair and cloth, and how they vary over a body."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from export.figures.body import Floats
from export.synthesis.backgrounds import Rng

# The ten tones of the Monk Skin Tone Scale (Monk, 2019; CC-BY 4.0), RGB.
SKINS = (
    (246, 237, 228), (243, 231, 219), (247, 234, 208), (234, 218, 186), (215, 189, 150),
    (160, 126, 86), (130, 92, 67), (96, 65, 52), (58, 49, 42), (41, 36, 32),
)  # fmt: skip
HAIRS = (
    (18, 16, 16), (30, 24, 22), (45, 32, 26), (72, 48, 34), (110, 78, 50), (158, 122, 80),
    (200, 168, 118), (120, 60, 36), (128, 126, 124), (205, 203, 200),
)  # fmt: skip
Colour = tuple[float, float, float]
Paint = Callable[[Floats], Floats]


def waves(rng: Rng, points: Floats, length: float, count: int = 12) -> Floats:
    """Smooth noise (n,) of about unit spread at `points` (n, 3), wavelength `length` in metres."""
    ways = rng.normal(0, 2 * np.pi / length / np.sqrt(3), (3, count))
    phases = rng.uniform(0, 2 * np.pi, count)
    return np.sin(points @ ways + phases).sum(axis=1) * np.sqrt(2 / count)


def _lab(lightness: float, a: float, b: float) -> Colour:
    lab = np.array([[[lightness, 128 + a, 128 + b]]])
    pixel = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_Lab2BGR)[0, 0]
    return float(pixel[0]), float(pixel[1]), float(pixel[2])


def cloth_colour(rng: Rng) -> Colour:
    """Mostly dark or muted, as people dress; often pale, sometimes loud."""
    kind = rng.random()
    if kind < 0.38:
        return _lab(rng.uniform(15, 80), rng.normal(0, 4), rng.normal(-3, 6))
    if kind < 0.6:
        return _lab(rng.uniform(190, 250), rng.normal(0, 3), rng.normal(2, 5))
    return _lab(rng.uniform(40, 220), rng.normal(0, 26), rng.normal(0, 26))


def pattern(rng: Rng, base: Colour) -> Paint:
    """Cloth as a function of resting position: plain, stripes, checks or patches."""
    kind, other = rng.random(), np.asarray(cloth_colour(rng))
    along = 2 if rng.random() < 0.7 else 0
    length, share = rng.uniform(0.025, 0.13), rng.uniform(-0.3, 0.8)
    seed = int(rng.integers(1 << 31))

    def paint(where: Floats) -> Floats:
        colour = np.tile(np.asarray(base), (len(where), 1))
        if kind < 0.14:
            colour[np.sin(where[:, along] * 2 * np.pi / length) > share] = other
        elif kind < 0.22:
            for axis in (0, 2):
                band = np.sin(where[:, axis] * 2 * np.pi / length) > 0.4
                colour[band] = 0.5 * colour[band] + 0.5 * other
        elif kind < 0.30:
            patches = waves(np.random.default_rng(seed), where, 2 * length)
            colour[patches > 0.6] = other
        return colour

    return paint


def plain(colour: Colour) -> Paint:
    """One colour all over."""
    return lambda where: np.tile(np.asarray(colour), (len(where), 1))


def mottled(rng: Rng, colour: Floats, strength: float, length: float, up: float = 1.0) -> Paint:
    """A colour that varies: skin in blotches, hair in streaks along z (`up` below 1)."""
    seed = int(rng.integers(1 << 31))

    def paint(where: Floats) -> Floats:
        noise = waves(np.random.default_rng(seed), where * (1.0, 1.0, up), length, 16)
        return np.asarray(colour * np.clip(1 + strength * noise, 0.4, 1.8)[:, None])

    return paint
