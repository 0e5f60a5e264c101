"""Drawn arms and hands, for people whose pictures show none."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from export.labels.teacher import FloatImage
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
        elbow, wrist, unit * rng.uniform(0.8, 1.15), angle, rng.uniform(0.05, 0.32),
        np.clip(rng.normal(1.0, 0.25, 5), 0.25, 1.3), skin, sleeve,
        bool(rng.random() < 0.35), bool(rng.random() < 0.7), int(rng.integers(1 << 30)),
    )


def _line(
    layer: np.ndarray, start: np.ndarray, end: np.ndarray, width: float, value: float
) -> None:
    ends = [tuple(int(round(v * SCALE * 8)) for v in point) for point in (start, end)]
    cv2.line(
        layer, ends[0], ends[1], value, max(1, int(round(width * SCALE))), cv2.LINE_8, 3
    )


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
    _line(skin, limb.wrist + forward * 0.1 * unit - across * 0.08 * unit, palm + reach,
          0.10 * unit, 255)
    skin[cloth > 0] = 0
    texture = np.random.default_rng(limb.seed)
    both = np.maximum(skin, cloth)
    # Rounder towards the middle: distance from the edge is a cheap normal.
    depth = cv2.distanceTransform(both, cv2.DIST_L2, 3)
    shade = 0.72 + 0.36 * np.clip(depth / (0.13 * unit * SCALE), 0, 1)
    blotches = texture.normal(0, 0.05, (6, 8)).astype(np.float32)
    shade = shade + cv2.resize(blotches, (big[1], big[0]), interpolation=cv2.INTER_LINEAR)
    colour = np.where(cloth[..., None] > 0, limb.sleeve, limb.skin) * shade[..., None]
    size = (width, height)
    small = cv2.resize(colour.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(both.astype(np.float32) / 255.0, size, interpolation=cv2.INTER_AREA)
    return np.clip(small, 0, 255), alpha
