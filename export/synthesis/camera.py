"""What a camera and its wire do to a picture: light, lens, sensor, scaling, codec."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from export.images import UInt8Image
from export.synthesis.backgrounds import Rng


@dataclass(frozen=True)
class Camera:
    """One camera's habits; the same for both frames of a pair."""

    table: UInt8Image  # (1, 256, 3) tone curve
    vignette: np.ndarray | None
    blur: float
    shrink: float
    noise: float
    chroma: float
    quality: int
    grey: bool


def random_camera(rng: Rng, width: int, height: int) -> Camera:
    """Mostly decent webcams; sometimes dark, blown out, soft, noisy or badly coded."""
    tone = np.arange(256, dtype=np.float32)[None, :, None] / 255.0
    mood = rng.random()
    gain = float(np.exp(rng.normal(0, 0.18)))
    noise = float(rng.exponential(2.5)) if rng.random() < 0.7 else 0.0
    if mood < 0.12:
        gain, noise = rng.uniform(0.15, 0.5), noise + rng.uniform(0, 5)
    elif mood < 0.22:
        gain = rng.uniform(1.5, 2.8)
    balance = np.exp(rng.normal(0, 0.07, 3)).astype(np.float32)
    curve = np.power(tone * gain * balance, float(np.exp(rng.normal(0, 0.2))))
    curve = curve * (1 - (lift := max(0.0, rng.normal(0, 0.04)))) + lift
    table = np.clip(curve * 255, 0, 255).astype(np.uint8)
    vignette = None
    if rng.random() < 0.25:
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        cx, cy = rng.uniform(0, width), rng.uniform(0, height)
        fall = ((x - cx) / width) ** 2 + ((y - cy) / height) ** 2
        vignette = np.exp(-fall * rng.uniform(0.2, 1.6))[..., None]
    return Camera(
        table=table,
        vignette=vignette,
        blur=float(rng.uniform(0.3, 1.1)) if rng.random() < 0.4 else 0.0,
        shrink=float(rng.uniform(1.2, 2.8)) if rng.random() < 0.2 else 1.0,
        noise=noise,
        chroma=float(rng.uniform(0.5, 1.2)) if rng.random() < 0.5 else 0.0,
        quality=int(rng.integers(25, 92)) if rng.random() < 0.4 else 0,
        grey=bool(rng.random() < 0.03),
    )


def shoot(rng: Rng, camera: Camera, picture: np.ndarray) -> UInt8Image:
    """A BGR picture (h, w, 3), 0..255, as the camera would deliver it, uint8."""
    height, width = picture.shape[:2]
    frame = np.clip(picture, 0, 255).astype(np.uint8)
    if camera.vignette is not None:
        frame = np.clip(frame * camera.vignette, 0, 255).astype(np.uint8)
    frame = cv2.LUT(frame, camera.table)
    if camera.blur:
        frame = cv2.GaussianBlur(frame, (0, 0), camera.blur)
    if camera.shrink > 1:
        size = (round(width / camera.shrink), round(height / camera.shrink))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    if camera.noise:
        grain = rng.standard_normal(frame.shape, dtype=np.float32) * camera.noise
        frame = np.clip(frame + grain, 0, 255).astype(np.uint8)
    if camera.shrink > 1:
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    if camera.chroma:
        ycc = cv2.cvtColor(frame, cv2.COLOR_BGR2YCrCb)
        ycc[..., 1:] = cv2.GaussianBlur(ycc, (0, 0), camera.chroma)[..., 1:]
        frame = cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR)
    if camera.quality:
        coded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
        frame = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    if camera.grey:
        frame = np.repeat(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    return np.asarray(frame, np.uint8)
