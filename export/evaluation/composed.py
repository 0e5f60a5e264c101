"""Evaluation clips of held-out portraits before held-out scenes: the alpha is true to the hair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from export.images import FloatImage, UInt8Image
from export.synthesis.people import Person

SIZE = (640, 360)


def sway(person: Person, x: float, size: float, phase: float, moment: float) -> FloatImage:
    """Pose, a 2x3 matrix, of a person standing at `x` (share of the width) at `moment` seconds.

    `size` is the original picture's height as a share of the frame's. People sway, lean and
    come closer slowly, as at a desk.
    """
    width, height = SIZE
    scale = size * height / person.rows * (1 + 0.02 * np.sin(1.3 * moment + phase))
    angle = np.deg2rad(3.0) * np.sin(1.7 * moment + 2 * phase)
    left, _, right, _ = person.head
    anchor = np.array([(left + right) / 2, person.rows])
    place = np.array(
        [(x + 0.02 * np.sin(2.1 * moment + phase)) * width, height * 1.02 + 0.01 * height]
    )
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    if size > 1:  # nearer than the frame is high: keep the head in the picture
        place = place + np.array([0, (size - 0.95) * height])
    return np.hstack([turn, (place - turn @ anchor)[:, None]]).astype(np.float32)


def compose(
    people: Sequence[tuple[Person, float, float]],
    background: UInt8Image,
    frames: int,
    rng: np.random.Generator,
    gain: float = 1.0,
    noise: float = 2.0,
) -> tuple[list[UInt8Image], list[UInt8Image]]:
    """Frames BGR uint8 and alphas uint8 of a clip, 30 frames a second.

    `people` holds (person, x, size) from back to front; `background` is scaled to fill. `gain`
    darkens or blows out; `noise` is the sensor's, drawn anew each frame; JPEG at quality 88.
    """
    width, height = SIZE
    scene = cv2.resize(background, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    phases = rng.uniform(0, 6, len(people))
    start = rng.uniform(0, 3)
    pictures: list[UInt8Image] = []
    alphas: list[UInt8Image] = []
    for number in range(frames):
        picture: NDArray[np.floating[Any]] = scene
        total: NDArray[np.floating[Any]] = np.zeros((height, width), np.float32)
        for (person, x, size), phase in zip(people, phases, strict=True):
            pose = sway(person, x, size, phase, start + number / 30)
            colour = cv2.warpAffine(
                person.foreground, pose, SIZE, borderMode=cv2.BORDER_REPLICATE
            ).astype(np.float32)
            matte = cv2.warpAffine(person.alpha, pose, SIZE).astype(np.float32) / 255
            picture = colour * matte[..., None] + picture * (1 - matte[..., None])
            total = matte + total * (1 - matte)
        grain = rng.standard_normal(picture.shape, dtype=np.float32) * noise
        shot = np.clip(picture * gain + grain, 0, 255).astype(np.uint8)
        coded = cv2.imencode(".jpg", shot, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
        pictures.append(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8))
        alphas.append(np.round(total * 255).astype(np.uint8))
    return pictures, alphas
