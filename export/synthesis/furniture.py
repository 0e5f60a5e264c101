"""Objects that stand about and are not people: tables, lamps, chairs, plants, boxes, screens."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from export.images import FloatImage, UInt8Image
from export.synthesis.flags import flag

Rng = np.random.Generator
_UP = 2  # supersampling
_FLAGS = 0.4  # of what hangs


def _pole(rng: Rng, mask: UInt8Image, h: int, w: int) -> None:
    """A thin pole with a top (table, lamp shade, hat stand) and a foot (disc or star)."""
    x, top, foot = w // 2, int(0.12 * h), int(0.95 * h)
    cv2.line(mask, (x, top), (x, foot), 255, max(2, int(rng.uniform(0.03, 0.1) * w)))
    half, thick = int(rng.uniform(0.25, 0.5) * w), max(2, int(rng.uniform(0.02, 0.12) * h))
    if rng.random() < 0.5:
        cv2.ellipse(mask, (x, top), (half, thick), 0, 0, 360, 255, -1)
    else:
        shade = np.array(
            [
                [x - half, top + 2 * thick],
                [x + half, top + 2 * thick],
                [x + half // 2, max(0, top - thick)],
                [x - half // 2, max(0, top - thick)],
            ]
        )
        cv2.fillPoly(mask, [shade.astype(np.int32)], 255)
    if rng.random() < 0.5:
        cv2.ellipse(mask, (x, foot), (half * 2 // 3, max(2, thick // 2)), 0, 0, 360, 255, -1)
        return
    for angle in rng.uniform(-0.5, 0.5) + np.arange(4) * np.pi / 2:
        end = (int(x + half * 0.8 * np.cos(angle)), int(foot + 0.05 * h * np.sin(angle)))
        cv2.line(mask, (x, foot - int(0.04 * h)), end, 255, max(2, w // 25))


def _chair(rng: Rng, mask: UInt8Image, h: int, w: int) -> None:
    """A chair back with round corners, sometimes with a headrest, on a stem."""
    corner = int(rng.uniform(0.1, 0.4) * w)
    top, bottom = int(rng.uniform(0.05, 0.3) * h), int(rng.uniform(0.6, 0.85) * h)
    cv2.rectangle(mask, (corner, top), (w - corner, bottom), 255, -1)
    cv2.rectangle(mask, (0, top + corner), (w, bottom - corner), 255, -1)
    for x in (corner, w - corner):
        for y in (top + corner, bottom - corner):
            cv2.circle(mask, (x, y), corner, 255, -1)
    if rng.random() < 0.4:
        cv2.ellipse(mask, (w // 2, top), (w // 4, max(2, int(0.1 * h))), 0, 0, 360, 255, -1)
    cv2.rectangle(mask, (w // 2 - w // 14, bottom), (w // 2 + w // 14, h), 255, -1)


def _plant(rng: Rng, mask: UInt8Image, h: int, w: int) -> None:
    """Leaves over a pot."""
    for _ in range(int(rng.integers(6, 22))):
        centre = (int(rng.uniform(0.1, 0.9) * w), int(rng.uniform(0.05, 0.65) * h))
        axes = (max(2, int(rng.uniform(0.05, 0.22) * w)), max(1, int(rng.uniform(0.02, 0.06) * h)))
        cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, 255, -1)
    cv2.line(mask, (w // 2, h // 4), (w // 2, h), 255, max(1, w // 20))
    cv2.rectangle(mask, (w // 3, int(0.72 * h)), (2 * w // 3, h), 255, -1)


def _box(rng: Rng, mask: UInt8Image, h: int, w: int) -> None:
    """A cabinet, a bag, a screen on its stand."""
    bottom = int(rng.uniform(0.5, 1.0) * h)
    cv2.rectangle(mask, (0, int(rng.uniform(0, 0.3) * h)), (w, bottom), 255, -1)
    cv2.rectangle(mask, (w // 2 - w // 8, bottom), (w // 2 + w // 8, h), 255, -1)


def _ball(rng: Rng, mask: UInt8Image, h: int, w: int) -> None:
    """Something round on something broad: a vase, a globe; outlined like a head, but not one."""
    radius = max(2, int(rng.uniform(0.15, 0.3) * min(h, w)))
    cv2.circle(mask, (w // 2, radius + 2), radius, 255, -1)
    axes = (int(rng.uniform(0.2, 0.5) * w), max(2, int(0.3 * h)))
    cv2.ellipse(mask, (w // 2, int(0.8 * h)), axes, 0, 0, 360, 255, -1)


def _drape(rng: Rng, mask: UInt8Image, h: int, w: int) -> None:
    """A curtain, a flag, a towel: hangs from above, its lower edge slanted or wavy."""
    x = np.arange(w)
    slant = rng.uniform(-0.5, 0.5) * h * x / w
    wave = 0.03 * h * np.sin(x * rng.uniform(2, 8) / w * 2 * np.pi)
    lower = np.clip(rng.uniform(0.6, 1.0) * h + slant + wave, 1, h - 1)
    edge = np.stack([x, lower], axis=1).round().astype(np.int32)
    cv2.fillPoly(mask, [np.vstack([[[0, 0]], edge, [[w - 1, 0]]]).astype(np.int32)], 255)


def _turned(rng: Rng, mask: UInt8Image, h: int, w: int) -> None:
    """Something slim and upright, as if turned on a lathe: bottle, trophy, rocket, table lamp."""
    y = np.linspace(0, 1, h)
    radius = 0.55 + sum(
        rng.normal(0, 0.5 / order) * np.sin(np.pi * order * y + rng.uniform(0, 6))
        for order in (1, 2, 3, 5)
    )
    tip = np.clip(y / rng.uniform(0.03, 0.5), 0, 1) ** rng.uniform(0.4, 1.0)
    half = np.clip(radius, 0.12, 1.0) * tip * w / 2
    rows = np.arange(h)
    outline = np.vstack(
        [np.stack([w / 2 - half, rows], 1), np.stack([w / 2 + half, rows], 1)[::-1]]
    )
    cv2.fillPoly(mask, [outline.round().astype(np.int32)], 255)


_KINDS: tuple[Callable[[Rng, UInt8Image, int, int], None], ...] = (
    _pole, _chair, _plant, _box, _ball, _drape,
    _drape, _turned, _turned,
)  # fmt: skip


def fabric(
    rng: Rng, width: int, height: int, texture: Callable[[int, int], UInt8Image]
) -> FloatImage:
    """Plain, striped or printed, BGR float32 (height, width, 3), possibly outside 0..255.

    Clothes and curtains are cut from the same cloth: only shape and place tell them apart.
    `texture(w, h)` gives a picture to print.
    """
    kind = rng.random()
    cloth = np.empty((height, width, 3), np.float32)
    cloth[:] = rng.uniform(8, 240, 3) if rng.random() < 0.6 else rng.uniform(8, 240)
    if kind > 0.75:
        cloth[:] = texture(width, height)
    elif kind > 0.5:
        slope = rng.uniform(-0.5, 0.5)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        along = y + slope * x if rng.random() < 0.5 else x + slope * y
        period = rng.uniform(4, 30)
        stripes = (np.mod(along, period) < period * rng.uniform(0.2, 0.8)).astype(np.float32)
        cloth += stripes[..., None] * rng.uniform(-120, 120, 3).astype(np.float32)
    return cloth


def _folds(rng: Rng, width: int, height: int) -> FloatImage:
    """Light and shade of hanging cloth, float32 (height, width, 1) around 1."""
    x = np.linspace(0, rng.uniform(1, 9) * 2 * np.pi, width) + rng.uniform(0, 6)
    lean = np.linspace(0, rng.uniform(-1.5, 1.5), height)
    shade = 1 + rng.uniform(0.05, 0.35) * np.sin(x[None, :] + lean[:, None])
    return np.asarray(shade[..., None], np.float32)


def _round(rng: Rng, width: int, height: int) -> FloatImage:
    """Light on something round, in bands of several colours, float32 (height, width, 3) about 1."""
    side = np.linspace(-1.4, 1.4, width) - rng.uniform(-0.8, 0.8)
    shade = rng.uniform(0.3, 0.8) + rng.uniform(0.3, 0.8) * np.clip(np.cos(side), 0, 1)
    count = int(rng.integers(1, 5))
    bands = rng.uniform(0.3, 1.7, (count, 3)) if rng.random() < 0.7 else np.ones((count, 3))
    ends = np.sort(rng.integers(0, height, count - 1))
    tint = bands[np.searchsorted(ends, np.arange(height), side="right")]
    return (shade[None, :, None] * tint[:, None, :]).astype(np.float32)


def furnish(
    rng: Rng,
    picture: UInt8Image,
    surface: Callable[[int, int], FloatImage],
) -> UInt8Image:
    """The picture, BGR uint8 (h, w, 3), with one thing standing or hanging in it.

    `surface(w, h)` gives what it is made of, BGR float32 (h, w, 3), such as `fabric`.
    """
    height, width = picture.shape[:2]
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    h = max(8, int(rng.uniform(0.2, 1.0) * height))
    w = max(6, int(h * (rng.uniform(0.12, 0.45) if kind is _turned else rng.uniform(0.3, 1.1))))
    mask = np.zeros((h * _UP, w * _UP), np.uint8)
    kind(rng, mask, h * _UP, w * _UP)
    cover = np.asarray(cv2.resize(mask, (w, h), interpolation=cv2.INTER_AREA), np.float32) / 255.0
    x, y = int(rng.uniform(-0.3 * w, width - 0.7 * w)), int(rng.uniform(0.1, 1.1) * height) - h
    flagged = kind is _drape and rng.random() < _FLAGS
    if kind is _drape:
        y = int(rng.uniform(-0.4, 0.9 if flagged else 0.1) * h)
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return picture
    part = cover[y0 - y : y1 - y, x0 - x : x1 - x, None]
    size = (x1 - x0, y1 - y0)
    light = _round if kind is _turned else _folds
    cloth = flag(rng, *size) if flagged else surface(*size)
    shown = cloth * light(rng, *size)
    made = picture.copy()
    behind = made[y0:y1, x0:x1]
    made[y0:y1, x0:x1] = np.clip(shown * part + behind * (1 - part), 0, 255).astype(np.uint8)
    return made
