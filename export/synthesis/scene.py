"""One training scene: people on a background, filmed twice a moment apart, with true alphas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from export.images import FloatImage, UInt8Image
from export.synthesis.backgrounds import Rng, background
from export.synthesis.camera import random_camera, shoot
from export.synthesis.clothes import dressed
from export.synthesis.filmed import RealFrame, filmed_pair
from export.synthesis.lookalikes import lookalikes
from export.synthesis.people import Person
from export.synthesis.placing import Placed, mirrored, place, render, render_seat


@dataclass
class Material:
    """All that scenes are made of."""

    people: Sequence[Sequence[Person]]  # one inner sequence per group, e.g. portraits, clips
    weights: Sequence[float]  # how often each group is drawn
    photos: Sequence[UInt8Image]
    real: Sequence[RealFrame] = field(default_factory=list)
    hard: Sequence[UInt8Image] = field(
        default_factory=list
    )  # those of photos that look like people


def _shadow(rng: Rng, width: int) -> tuple[float, float, FloatImage]:
    """Strength, softness and offset of the shadow that people cast on the wall."""
    shift = np.array([[1, 0, rng.normal(0, 0.05) * width], [0, 1, rng.normal(2, 0.02 * width)]])
    strength = rng.uniform(0.1, 0.65) if rng.random() < 0.35 else 0.0
    return strength, float(rng.uniform(1, 12)), shift.astype(np.float32)


def _people_count(rng: Rng) -> int:
    return int(rng.choice(4, p=(0.10, 0.62, 0.19, 0.09)))


def compose_pair(
    rng: Rng, material: Material, width: int, height: int, moments: int = 2
) -> tuple[UInt8Image, UInt8Image]:
    """Frames BGR uint8 (moments, height, width, 3) and alphas uint8 (moments, height, width).

    `moments` is 2 for a pair, or 1 for its first frame alone at half the cost.
    """
    if material.real and rng.random() < 0.25:
        return filmed_pair(rng, material.real, width, height, moments)
    stretch = float(np.exp(rng.uniform(np.log(0.67), np.log(1.5)))) if rng.random() < 0.5 else 1.0
    scene = background(rng, material.photos, width + 8, height + 8)
    crowd: list[Placed] = []
    for _ in range(_people_count(rng)):
        group = material.people[int(rng.choice(len(material.people), p=material.weights))]
        person = group[int(rng.integers(len(group)))]
        if rng.random() < (0.5 if person.upright else 0.25):
            person = dressed(rng, person, material.photos)
        crowd.append(place(rng, mirrored(rng, person), width, height, stretch))
    crowd.sort(key=lambda placed: float(np.linalg.det(placed.poses[0][:, :2])))
    if crowd and rng.random() < 0.25:
        scene = lookalikes(
            rng, scene, [(placed.person, placed.table, placed.poses[0]) for placed in crowd]
        )
    scene = scene.astype(np.float32)
    camera = random_camera(rng, width, height)
    strength, softness, shift = _shadow(rng, width)
    bars = _bars(rng, width, height)
    shake = rng.normal(0, 0.8, 2) if rng.random() < 0.3 else np.zeros(2)
    frames, alphas = [], []
    for moment in range(moments):
        picture = scene[4 : 4 + height, 4 : 4 + width]
        if moment and shake.any():
            move = np.array([[1, 0, shake[0] - 4], [0, 1, shake[1] - 4]], np.float32)
            picture = cv2.warpAffine(
                scene, move, (width, height), borderMode=cv2.BORDER_REFLECT_101
            )
        total = np.zeros((height, width), np.float32)
        for placed in crowd:
            colour, matte = render(placed, moment, width, height)
            seat = render_seat(placed, moment, width, height)
            if seat is not None:  # a thing of the room, and before whoever stands farther back
                picture = seat[0] * seat[1][..., None] + picture * (1 - seat[1])[..., None]
                total = total * (1 - seat[1])
            if strength:
                dark = cv2.GaussianBlur(
                    cv2.warpAffine(matte, shift, (width, height)), (0, 0), softness
                )
                picture = picture * (1 - strength * dark)[..., None]
            picture = colour * matte[..., None] + picture * (1 - matte)[..., None]
            total = matte + total * (1 - matte)
        frame = shoot(rng, camera, picture)
        y0, y1, x0, x1 = bars
        if (y0, y1, x0, x1) != (0, height, 0, width):
            keep = np.zeros((height, width), bool)
            keep[y0:y1, x0:x1] = True
            frame[~keep] = 0
            total[~keep] = 0
        frames.append(frame)
        alphas.append(np.round(total * 255).astype(np.uint8))
    return np.stack(frames), np.stack(alphas)


def _bars(rng: Rng, width: int, height: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the picture inside black bars; mostly there are no bars."""
    if rng.random() > 0.05:
        return 0, height, 0, width
    if rng.random() < 0.7:
        bar = int(rng.uniform(0.03, 0.25) * width)
        return 0, height, bar, width - bar
    bar = int(rng.uniform(0.03, 0.2) * height)
    return bar, height - bar, 0, width
