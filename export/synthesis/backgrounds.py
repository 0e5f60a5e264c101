"""Backgrounds: photographs, plain and skin-coloured walls, procedural rooms, noise."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from export.images import FloatImage, UInt8Image
from export.synthesis.furniture import fabric, furnish

Rng = np.random.Generator


def _colour(rng: Rng) -> np.ndarray:
    """A wall's colour, BGR float (3,): mostly greyish, sometimes skin, sometimes anything."""
    kind = rng.random()
    if kind < 0.5:
        return np.clip(rng.uniform(30, 245) + rng.normal(0, 12, 3), 0, 255)
    if kind < 0.7:  # skin, from dark to pale
        value = rng.uniform(60, 240)
        return np.clip(value * np.array([0.62, 0.76, 1.0]) + rng.normal(0, 8, 3), 0, 255)
    return rng.uniform(0, 255, 3)


def wall(rng: Rng, width: int, height: int, colour: np.ndarray | None = None) -> UInt8Image:
    """An unevenly lit wall: a smooth gradient between colours, light falloff, grain.

    BGR uint8 (height, width, 3), around `colour`, (3,), or a random one.
    """
    middle = _colour(rng) if colour is None else colour
    corners = np.stack([middle] * 4) + rng.normal(0, 14, (4, 3))
    small = corners.reshape(2, 2, 3).astype(np.float32)
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.6:
        blotches = rng.normal(0, rng.uniform(2, 14), (4, 6, 1)).astype(np.float32)
        picture += cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    if rng.random() < 0.4:
        grain = rng.normal(0, rng.uniform(1, 9), (height // 2, width // 2)).astype(np.float32)
        picture += cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _room(rng: Rng, photos: Sequence[UInt8Image], width: int, height: int) -> UInt8Image:
    """A wall with a floor, and with frames, screens, windows, shelves and furniture on it."""
    room = wall(rng, width, height)
    if rng.random() < 0.5:
        top = int(height * rng.uniform(0.55, 0.95))
        room[top:] = wall(rng, width, height)[top:]
    for _ in range(rng.integers(1, 7)):
        w, h = (int(rng.uniform(0.05, 0.5) * width), int(rng.uniform(0.08, 0.8) * height))
        x, y = int(rng.uniform(-0.2, 1.0) * width), int(rng.uniform(-0.2, 0.9) * height)
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        if x1 - x0 < 3 or y1 - y0 < 3:
            continue
        kind = rng.random()
        if kind < 0.35:
            patch = photo(rng, photos, x1 - x0, y1 - y0)
            gain = rng.uniform(0.5, 1.6)
            room[y0:y1, x0:x1] = np.clip(patch * gain, 0, 255).astype(np.uint8)
        elif kind < 0.5:
            room[y0:y1, x0:x1] = int(rng.uniform(235, 256) if rng.random() < 0.8 else 255)
        elif kind < 0.75:
            room[y0:y1, x0:x1] = wall(rng, x1 - x0, y1 - y0)
        else:
            room = _furnished(rng, room, photos)
        if rng.random() < 0.5:
            frame = tuple(float(c) for c in _colour(rng))
            cv2.rectangle(room, (x, y), (x + w, y + h), frame, int(rng.integers(1, 5)))
    return room


def _furnished(rng: Rng, picture: UInt8Image, photos: Sequence[UInt8Image]) -> UInt8Image:
    """The picture with one more thing in it."""

    def texture(width: int, height: int) -> UInt8Image:
        return photo(rng, photos, width, height)

    def cloth(width: int, height: int) -> FloatImage:
        return fabric(rng, width, height, texture)

    return furnish(rng, picture, cloth)


def photo(rng: Rng, photos: Sequence[UInt8Image], width: int, height: int) -> UInt8Image:
    """A random crop of a random photograph, BGR uint8 (height, width, 3), sometimes mirrored."""
    picture = photos[int(rng.integers(len(photos)))]
    full_h, full_w = picture.shape[:2]
    aspect = width / height * float(np.exp(rng.uniform(-0.35, 0.35)))
    share = rng.uniform(0.35, 1.0)
    w = min(full_w, full_h * aspect) * share
    h = min(w / aspect, full_h)
    x, y = rng.uniform(0, full_w - w), rng.uniform(0, full_h - h)
    crop = picture[int(y) : int(y + h) + 1, int(x) : int(x + w) + 1]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    shrink = crop.shape[1] > width
    method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (width, height), interpolation=method), np.uint8)


def recoloured(rng: Rng, picture: UInt8Image) -> UInt8Image:
    """A picture in other colours, as vivid as a wallpaper's: shapes stay, BGR uint8 (h, w, 3)."""
    if rng.random() < 0.4:
        picture = picture[..., rng.permutation(3)]
    hsv = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(0, 180)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.6, 2.5) + rng.uniform(0, 40), 0, 255)
    hsv[..., 2] = np.clip(
        (hsv[..., 2] - 128) * rng.uniform(0.7, 1.8) + rng.uniform(90, 160), 0, 255
    )
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR), np.uint8)


def background(rng: Rng, photos: Sequence[UInt8Image], width: int, height: int) -> UInt8Image:
    """One background, BGR uint8 (height, width, 3), often out of focus."""
    kind = rng.random()
    if kind < 0.56:
        picture = photo(rng, photos, width, height)
        if rng.random() < 0.15:
            picture = recoloured(rng, picture)
    elif kind < 0.74:
        picture = wall(rng, width, height)
    elif kind < 0.98:
        picture = _room(rng, photos, width, height)
    else:
        size = (int(rng.integers(2, height)), int(rng.integers(2, width)), 3)
        noise = rng.integers(0, 256, size).astype(np.uint8)
        picture = np.asarray(cv2.resize(noise, (width, height)), np.uint8)
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            picture = _furnished(rng, picture, photos)
    if rng.random() < 0.35:
        sigma = float(np.exp(rng.uniform(np.log(0.4), np.log(6))))
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    if rng.random() < 0.3:
        gain = rng.uniform(0.4, 1.5) * (1 + rng.normal(0, 0.06, 3))
        picture = np.clip(picture * gain, 0, 255).astype(np.uint8)
    return np.asarray(picture, np.uint8)
