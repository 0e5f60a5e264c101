"""A studio: somebody whose alpha is known before a wall of one colour, and what is in its way."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import F32, Colour, Format, Frame, Matrix, Range
from appliance.networks.manifest import InputSpec, Manifest, OutputSpec

LIMITED = Colour(Matrix.BT601, Range.LIMITED)
GREEN, BLUE = (60, 170, 40), (180, 70, 30)
"""Walls, as B, G, R."""
CEILING, STAND = (120, 120, 125), (45, 45, 50)


@dataclass
class Studio:
    """What stands there. ``wall``: B, G, R; ``uneven``: how much darker the wall's far side is."""

    width: int = 480
    height: int = 270
    wall: tuple[int, int, int] = GREEN
    uneven: float = 0.0
    noise: float = 1.0
    ceiling: bool = False
    stand: bool = False
    shadow: float = 0.0
    shirt: tuple[int, int, int] = (40, 35, 60)

    def alpha(self, k: int = 0) -> F32:
        """The person, float32 (height, width), 0..1; hair reaches out in strands."""
        big = np.zeros((2 * self.height, 2 * self.width), np.float32)
        x, h = self.width + 6 * k, 2 * self.height
        cv2.ellipse(big, (x, int(0.42 * h)), (int(0.11 * h), int(0.16 * h)), 0, 0, 360, 1.0, -1)
        cv2.ellipse(big, (x, h), (int(0.33 * h), int(0.42 * h)), 0, 0, 360, 1.0, -1)
        for turn in np.linspace(190, 350, 24):
            away = 0.2 * h * np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
            end = (int(x + away[0]), int(0.42 * h + away[1]))
            cv2.line(big, (x, int(0.42 * h)), end, 1.0, 1, cv2.LINE_AA)
        size = (self.width, self.height)
        return np.asarray(cv2.resize(big, size, interpolation=cv2.INTER_AREA), np.float32)

    def frame(self, k: int = 0, person: bool = True) -> Frame:
        """Frame ``k``, NV12 with halved chroma and noise, of the person before the wall."""
        w, h = self.width, self.height
        rng = np.random.default_rng(k)
        light = 1 - self.uneven * np.linspace(0, 1, w, dtype=np.float32)[None, :, None]
        room = np.ones((h, w, 3), np.float32) * np.array(self.wall, np.float32) * light
        if self.shadow:
            soft = np.zeros((h, w), np.float32)
            cv2.circle(soft, (w // 5, h // 2), h // 5, 1.0, -1)
            room *= 1 - self.shadow * cv2.GaussianBlur(soft, (0, 0), h / 20)[..., None]
        if self.ceiling:
            room[: h // 6] = CEILING
        if self.stand:
            room[h // 5 :, w // 8 : w // 8 + w // 60] = STAND
        if person:
            front = np.ones((h, w, 3), np.float32) * np.array(self.shirt, np.float32)
            front[: int(0.58 * h)] = (110, 140, 190)
            front[: int(0.33 * h)] = (30, 35, 45)
            a = self.alpha(k)[..., None]
            room = a * front + (1 - a) * room
        room += rng.normal(0, self.noise, room.shape) if self.noise else 0
        planar = cv2.cvtColor(np.clip(room, 0, 255).astype(np.uint8), cv2.COLOR_BGR2YUV_I420)
        flat = planar.reshape(-1)
        cb, cr = flat[h * w : h * w * 5 // 4], flat[h * w * 5 // 4 :]
        uv = np.dstack([cb.reshape(h // 2, w // 2), cr.reshape(h // 2, w // 2)])
        y = np.ascontiguousarray(flat[: h * w].reshape(h, w))
        return Frame(y, uv, LIMITED, pts=k * 33_333_333, captured=k + 1, serial=k)

    @property
    def format(self) -> Format:
        """Of its frames."""
        return Format(self.width, self.height, (30, 1), LIMITED)


class Knowing:
    """A network that knows the person, as coarsely as one does: alpha of the whole picture."""

    smaller = upright = None
    description = "a test's own"

    def __init__(self, alpha: F32, columns: int = 96, rows: int = 54, blur: float = 1.0) -> None:
        self.manifest = Manifest(
            name="knowing", input=InputSpec(name="x", width=columns, height=rows),
            output=OutputSpec(name="y"),
        )  # fmt: skip
        self.input = np.zeros((3, rows, columns), np.float32)
        small = cv2.resize(alpha, (columns, rows), interpolation=cv2.INTER_AREA)
        self.alpha = np.asarray(cv2.GaussianBlur(small, (0, 0), blur), np.float32)

    def infer(self, *, remember: bool = True) -> F32:
        """The same, always."""
        return self.alpha.copy()

    def reset(self) -> None:
        """It has no state."""
