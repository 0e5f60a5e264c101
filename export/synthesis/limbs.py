"""Drawn arms and hands, for people whose pictures show none."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from export.images import FloatImage
from export.synthesis.backgrounds import Rng

SCALE = 2  # supersampling of the drawing


@dataclass
class Limb:
    """One raised arm in frame coordinates (pixels); `unit` is the head's height."""

    elbow: np.ndarray
    wrist: np.ndarray
    unit: float
    angle: float
    spread: float
    bends: np.ndarray
    skin: np.ndarray
    sleeve: np.ndarray
    bare: bool
    open_hand: bool
    seed: int


def random_limb(
    rng: Rng, head: tuple[float, float, float], skin: np.ndarray, sleeve: np.ndarray
) -> Limb:
    """An arm from below to somewhere round the head; `head` is centre x, centre y, height."""
    x, y, unit = head
    side = 1.0 if rng.random() < 0.5 else -1.0
    wrist = np.array([x + side * rng.uniform(0.0, 1.9) * unit, y + rng.uniform(-0.7, 1.7) * unit])
    elbow = np.array([x + side * rng.uniform(0.5, 1.7) * unit, y + rng.uniform(1.7, 2.8) * unit])
    direction = wrist - elbow
    angle = float(np.arctan2(direction[1], direction[0]) + rng.normal(0, 0.45))
    return Limb(
        elbow,
        wrist,
        unit * rng.uniform(0.8, 1.15),
        angle,
        rng.uniform(0.05, 0.32),
        np.clip(rng.normal(1.0, 0.25, 5), 0.25, 1.3),
        skin,
        sleeve,
        bool(rng.random() < 0.35),
        bool(rng.random() < 0.7),
        int(rng.integers(1 << 30)),
    )


def _line(
    layer: np.ndarray, start: np.ndarray, end: np.ndarray, width: float, value: float
) -> None:
    ends = [tuple(round(v * SCALE * 8) for v in point) for point in (start, end)]
    cv2.line(layer, ends[0], ends[1], value, max(1, round(width * SCALE)), cv2.LINE_8, 3)


def draw(limb: Limb, width: int, height: int) -> tuple[FloatImage, FloatImage]:
    """Colour BGR float32 (height, width, 3) in 0..255 and alpha float32 (height, width) in 0..1."""
    big = (height * SCALE, width * SCALE)
    skin, cloth = np.zeros(big, np.uint8), np.zeros(big, np.uint8)
    unit = limb.unit
    arm = limb.wrist - limb.elbow
    forward = np.array([np.cos(limb.angle), np.sin(limb.angle)])
    across = np.array([-forward[1], forward[0]])
    _line(skin, limb.elbow, limb.wrist, 0.24 * unit, 255)
    cuff = limb.elbow + arm * (0.15 if limb.bare else 0.9)
    _line(cloth, limb.elbow + np.array([0, 3 * unit]), limb.elbow, 0.42 * unit, 255)
    _line(cloth, limb.elbow, cuff, 0.36 * unit, 255)
    palm = limb.wrist + forward * 0.24 * unit
    _line(skin, limb.wrist, palm + forward * 0.08 * unit, 0.30 * unit, 255)
    length = 0.40 if limb.open_hand else 0.14
    for index in range(4):
        lane = index - 1.5
        base = palm + forward * 0.10 * unit + across * lane * 0.085 * unit
        tilt = limb.angle + lane * limb.spread
        finger = np.array([np.cos(tilt), np.sin(tilt)]) * unit * length * limb.bends[index]
        _line(skin, base, base + finger, 0.085 * unit, 255)
    thumb = limb.angle - 0.9 - limb.spread
    reach = np.array([np.cos(thumb), np.sin(thumb)]) * 0.3 * unit * limb.bends[4]
    _line(
        skin,
        limb.wrist + forward * 0.1 * unit - across * 0.08 * unit,
        palm + reach,
        0.10 * unit,
        255,
    )
    skin[cloth > 0] = 0
    both = np.maximum(skin, cloth)
    colour = np.zeros((height, width, 3), np.float32)
    alpha = (
        np.asarray(cv2.resize(both, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        / 255.0
    )
    x, y, w, h = cv2.boundingRect(np.asarray(alpha > 0, np.uint8))
    if w == 0:
        return colour, alpha
    part = (slice(y * SCALE, (y + h) * SCALE), slice(x * SCALE, (x + w) * SCALE))
    # Rounder towards the middle: distance from the edge is a cheap normal.
    depth = cv2.distanceTransform(both[part], cv2.DIST_L2, 3)
    shade = 0.72 + 0.36 * np.minimum(depth * np.float32(1 / (0.13 * unit * SCALE)), 1)
    texture = np.random.default_rng(limb.seed)
    blotches = texture.normal(0, 0.05, (6, 8)).astype(np.float32)
    shade += cv2.resize(blotches, (w * SCALE, h * SCALE), interpolation=cv2.INTER_LINEAR)
    palette = np.stack([limb.skin, limb.sleeve]).astype(np.float32)
    drawn = palette[(cloth[part] > 0).view(np.uint8)] * shade[..., None]
    colour[y : y + h, x : x + w] = cv2.resize(drawn, (w, h), interpolation=cv2.INTER_AREA)
    return np.clip(colour, 0, 255), alpha
