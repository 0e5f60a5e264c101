"""Pairs from frames as they were filmed: real edges, light and shadows, no compositing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from export.images import UInt8Image
from export.synthesis.backgrounds import Rng
from export.synthesis.camera import random_camera, shoot


@dataclass(frozen=True)
class RealFrame:
    """A frame as it was filmed, BGR uint8 (h, w, 3), with its solved alpha, uint8 (h, w)."""

    image: UInt8Image
    alpha: UInt8Image


def filmed_pair(
    rng: Rng, frames_filmed: Sequence[RealFrame], width: int, height: int, moments: int = 2
) -> tuple[UInt8Image, UInt8Image]:
    """A crop of a frame as it was filmed, twice through the same camera's damage."""
    real = frames_filmed[int(rng.integers(len(frames_filmed)))]
    full_h, full_w = real.alpha.shape
    aspect = width / height * float(np.exp(rng.uniform(np.log(0.67), np.log(1.5))))
    share = rng.uniform(0.75, 1.0)
    w = min(full_w, full_h * aspect) * share
    h = min(w / aspect, full_h)
    x, y = rng.uniform(0, full_w - w), rng.uniform(0, full_h - h)
    camera = random_camera(rng, width, height)
    flip = bool(rng.random() < 0.5)
    frames, alphas = [], []
    still = bool(rng.random() < 0.4)
    for moment in range(moments):
        if moment and not still:
            x = float(np.clip(x + rng.normal(0, 0.006) * full_w, 0, full_w - w))
            y = float(np.clip(y + rng.normal(0, 0.006) * full_h, 0, full_h - h))
        pose = np.array(
            [[width / w, 0, -x * width / w], [0, height / h, -y * height / h]], np.float32
        )
        image, matte = real.image, real.alpha
        if h / height > 1.5:
            size = (round(full_w * height / h), round(full_h * height / h))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            matte = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.uint8)
            pose[:, 0] *= full_w / size[0]
            pose[:, 1] *= full_h / size[1]
        frame = cv2.warpAffine(image, pose, (width, height), borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(matte, pose, (width, height), borderMode=cv2.BORDER_REPLICATE)
        if flip:
            frame, alpha = frame[:, ::-1], alpha[:, ::-1]
        frames.append(shoot(rng, camera, np.ascontiguousarray(frame)))
        alphas.append(np.asarray(alpha, np.uint8))
    return np.stack(frames), np.stack(alphas)
