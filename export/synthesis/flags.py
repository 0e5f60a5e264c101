"""Flags and banners as cloth: bands, a canton with stars, a cross. They stand behind speakers."""

from __future__ import annotations

import cv2
import numpy as np

from export.images import FloatImage

Rng = np.random.Generator

# BGR. Flags are plain and strong: few colours, mostly these.
_COLOURS = (
    (40, 30, 190), (235, 235, 235), (110, 50, 30), (50, 130, 30), (30, 200, 240), (20, 20, 20),
    (200, 140, 60), (30, 110, 230),
)  # fmt: skip


def flag(rng: Rng, width: int, height: int) -> FloatImage:
    """A flag hanging aslant from its pole, filling (height, width, 3), BGR float32 0..255."""
    side = max(8, 2 * max(width, height))
    cloth = np.empty((side, side, 3), np.float32)
    _bands(rng, cloth)
    kind = rng.random()
    if kind < 0.5:
        _canton(rng, cloth)
    elif kind < 0.65:
        _cross(rng, cloth)
    middle = (side / 2, side / 2)
    turn = cv2.getRotationMatrix2D(middle, rng.normal(0, 35), float(np.exp(rng.normal(0.1, 0.3))))
    turn[:, 2] += rng.normal(0, 0.15, 2) * side
    cloth = cv2.warpAffine(cloth, turn, (side, side), borderMode=cv2.BORDER_REFLECT_101)
    x, y = (side - width) // 2, (side - height) // 2
    return np.asarray(cloth[y : y + height, x : x + width], np.float32)


def _drawn(rng: Rng) -> np.ndarray:
    shade = rng.uniform(0.6, 1.1)
    return np.asarray(_COLOURS[int(rng.integers(len(_COLOURS)))], np.float32) * np.float32(shade)


def _bands(rng: Rng, cloth: FloatImage) -> None:
    """Two colours in turn, or up to three in broad bands."""
    side = cloth.shape[0]
    if rng.random() < 0.6:
        colours, count = [_drawn(rng), _drawn(rng)], int(rng.integers(5, 18))
    else:
        count = int(rng.integers(1, 4))
        colours = [_drawn(rng) for _ in range(count)]
    ends = np.linspace(0, side, count + 1).astype(int)
    for number in range(count):
        cloth[ends[number] : ends[number + 1]] = colours[number % len(colours)]
    if rng.random() < 0.4:
        cloth[:] = cloth.transpose(1, 0, 2).copy()


def _canton(rng: Rng, cloth: FloatImage) -> None:
    """A field of another colour with rows of stars."""
    side = cloth.shape[0]
    h, w = int(rng.uniform(0.3, 0.6) * side), int(rng.uniform(0.35, 0.7) * side)
    y, x = int(rng.uniform(0.05, 0.35) * side), int(rng.uniform(0.05, 0.35) * side)
    cloth[y : y + h, x : x + w] = _drawn(rng)
    colour = tuple(float(c) for c in _drawn(rng))
    rows = int(rng.integers(1, 7))
    step = h / rows
    radius = step * rng.uniform(0.2, 0.42)
    for row in range(rows):
        shift = step / 2 if row % 2 else 0.0
        for across in np.arange(x + step / 2 + shift, x + w - step / 4, step):
            _star(cloth, across, y + (row + 0.5) * step, radius, colour)


def _star(cloth: FloatImage, x: float, y: float, radius: float, colour: tuple[float, ...]) -> None:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2, 0.4, 1.0) * radius
    points = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], axis=1)
    cv2.fillPoly(cloth, [points.round().astype(np.int32)], colour)


def _cross(rng: Rng, cloth: FloatImage) -> None:
    side = cloth.shape[0]
    half, at = int(rng.uniform(0.04, 0.12) * side), int(rng.uniform(0.35, 0.6) * side)
    colour = _drawn(rng)
    cloth[at - half : at + half] = colour
    cloth[:, at - half : at + half] = colour
