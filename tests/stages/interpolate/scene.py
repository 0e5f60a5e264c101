"""A scene whose every moment is known: an ellipse with texture crosses a room that zooms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame, Rect, blank
from appliance.pixels import cpu
from tests.scenes import FULL

PERIOD = 40_000_000


def texture(width: int, height: int, seed: int, grain: float) -> U8:
    """Even noise at a few scales, 20..235."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for scale, weight in ((1.0, 0.35), (3.0, 1.0), (9.0, 1.0)):
        noise = rng.standard_normal((height, width)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), grain * scale)
        total += weight * smooth / smooth.std()
    return np.asarray(np.clip(127 + 38 * total, 20, 235), np.uint8)


@dataclass(frozen=True, slots=True)
class Moment:
    """The camera's picture, and what is true of it."""

    live: Frame
    layer: cpu.PersonLayer
    behind: Frame

    def over(self, behind: Frame) -> Frame:
        """The right composite."""
        out = blank(behind.width, behind.height, FULL)
        cpu.blend_layer(self.layer, behind, out)
        return out


class Scene:
    """The ellipse moves by ``(dx, dy)`` parts of the width a frame, and turns."""

    def __init__(
        self, width: int = 1920, height: int = 1080, *, dx: float = 0.0125, dy: float = -0.004,
        turn: float = 1.5, soft: float = 3.0,
    ) -> None:  # fmt: skip
        self.width, self.height = width, height
        self._step, self._turn, self._soft = (dx, dy), turn, soft
        grain = width / 960
        self._room, self._skin = texture(width, height, 1, grain), texture(width, height, 2, grain)
        self._tint = texture(width // 2, height // 2, 3, grain)
        stage = texture(width, height, 4, grain)
        self.stage = replace(blank(width, height, FULL), y=stage)

    def at(self, t: float) -> Moment:
        """The scene at time t, in frames; t = 0 has the ellipse in the middle."""
        w, h = self.width, self.height
        zoom = 1 + 0.004 * t
        room = np.array([[zoom, 0, w / 2 * (1 - zoom)], [0, zoom, h / 2 * (1 - zoom)]])
        x, y = w * (0.45 + self._step[0] * t), h * 0.55 + w * self._step[1] * t
        angle = np.deg2rad(self._turn * t)
        c, s = np.cos(angle), np.sin(angle)
        body = np.array([[c, -s, x - c * w / 2 + s * h / 2], [s, c, y - s * w / 2 - c * h / 2]])
        live = blank(w, h, FULL)
        live = replace(live, pts=1 + round(t * PERIOD))
        plate, skin = _warp(self._room, room, w, h), _warp(self._skin, body, w, h)
        small = np.vstack((body, [0, 0, 1])).copy()
        small[:2, 2] /= 2
        tint = _warp(self._tint, small[:2], w // 2, h // 2)
        alpha = self._alpha(x, y, angle)
        layer = cpu.empty_layer(w, h, FULL)
        layer.front.y[:], layer.front.uv[..., 0], layer.front.uv[..., 1] = skin, tint, 255 - tint
        layer.alpha[:] = np.rint(alpha * 255)
        layer.rect = _around(layer.alpha)
        behind = replace(blank(w, h, FULL), y=plate)
        cpu.blend_layer(layer, behind, live)
        return Moment(live, layer, behind)

    def _alpha(self, x: float, y: float, angle: float) -> F32:
        across, down = np.meshgrid(
            np.arange(self.width, dtype=np.float32) + 0.5,
            np.arange(self.height, dtype=np.float32) + 0.5,
        )
        c, s = np.cos(angle), np.sin(angle)
        u, v = c * (across - x) + s * (down - y), -s * (across - x) + c * (down - y)
        a, b = 0.14 * self.width, 0.36 * self.height
        inside = np.hypot(u / a, v / b)
        # About the distance to the border, in pixels.
        far = (1 - inside) * inside / np.maximum(np.hypot(u / a**2, v / b**2), 1e-9)
        return np.asarray(np.clip(far / self._soft + 0.5, 0, 1), np.float32)


def _warp(picture: U8, place: np.ndarray, width: int, height: int) -> U8:  # type: ignore[type-arg]
    # Cubic, and centres at .5.
    place = place.copy()
    place[:, 2] += 0.5 * (place[:, 0] + place[:, 1]) - 0.5
    return np.asarray(
        cv2.warpAffine(
            picture, place, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        ),
        np.uint8,
    )


def _around(alpha: U8) -> Rect:
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    x, y = int(columns[0]) // 2 * 2, int(rows[0]) // 2 * 2
    return Rect(x, y, (int(columns[-1]) + 2 - x) // 2 * 2, (int(rows[-1]) + 2 - y) // 2 * 2)


def psnr(found: U8, wanted: U8) -> float:
    """Decibels, of 255."""
    error = float(np.mean((found.astype(np.float32) - wanted) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
