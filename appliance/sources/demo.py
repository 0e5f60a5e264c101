"""demo://: a real portrait, drifting, swaying and zooming, for a machine without a camera."""

from __future__ import annotations

import math
import time

import cv2
import numpy as np

from appliance.config.settings import SourceSettings
from appliance.errors import SourceError
from appliance.media.frame import F32, Colour, Format, Frame, Matrix
from appliance.sources.demo_scene import FACE, TOP, VIEW_HEIGHT, Scene, make_scene

PERIOD_S = 24.0
"""The motion repeats after this many seconds, without a jump."""


class DemoSource:
    """The portrait seen by a camera that is never quite still: 1280x720 at 30 fps by default."""

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self.live = self.paced = settings.pace != "fast"
        self._format: Format | None = None
        self._scene: Scene | None = None
        self._count = 0

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``. Raises MissingDependency without the scikit-image package."""
        if want is None:
            width, height = (1280, 720) if self.settings.size == "auto" else self.settings.size
            fps = (30, 1) if self.settings.fps == "auto" else self.settings.fps
            colour = Colour(Matrix.BT709 if height > 576 else Matrix.BT601)
            want = Format(width, height, fps, colour)
        if self._scene is None or self._format != want:
            self._scene = make_scene(want.height, want.colour)
        self._format, self._count = want, 0
        return want

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        if self._format is None or self._scene is None:
            raise SourceError("demo://: it is not open")
        numerator, denominator = self._format.fps
        pts = self._count * 1_000_000_000 * denominator // numerator
        frame = self._draw(self._scene, self._format, pts)
        self._count += 1
        return frame

    def close(self) -> None:
        """See ``Source.close``."""
        self._format = None

    def _draw(self, scene: Scene, format: Format, pts: int) -> Frame:
        placed = placement(pts / 1e9, format, scene)
        y = np.empty((format.height, format.width), np.uint8)
        uv = np.empty((format.height // 2, format.width // 2, 2), np.uint8)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        edge = cv2.BORDER_REPLICATE
        cv2.warpAffine(scene.frame.y, placed, y.shape[::-1], y, flags, edge)
        # The same map for chroma, whose samples lie at the centres of 2x2 blocks.
        half = placed.copy()
        half[:, 2] = (placed[:, 2] + placed[:, :2].sum(1) * 0.5 - 0.5) / 2
        cv2.warpAffine(scene.frame.uv, half, uv.shape[1::-1], uv, flags, edge)
        return Frame(y, uv, format.colour, pts, time.monotonic_ns(), self._count, self._count == 0)


def placement(seconds: float, format: Format, scene: Scene) -> F32:
    """The affine map, float32 (2, 3), from output pixels to the scene's at a time."""

    def wave(cycles: int, phase: float = 0.0) -> float:
        return math.sin(2 * math.pi * (cycles * seconds / PERIOD_S + phase))

    height = VIEW_HEIGHT * (1 + 0.05 * wave(2) + 0.012 * wave(5, 0.3))
    aspect = format.width / format.height
    wide = scene.frame.width / scene.scale
    # A very wide picture shows fewer rows, so that the view stays inside the scene.
    height = min(height, (wide - 80) / aspect)
    x = FACE[0] + 22 * wave(1) + 9 * wave(3, 0.15) + 2 * wave(11, 0.4)
    y = max(FACE[1] + 5 * wave(2, 0.2) + 1.5 * wave(9), TOP * 0.4 + height / 2)
    x = min(max(x, height * aspect / 2 + 8), wide - height * aspect / 2 - 8)
    angle = math.radians(1.1 * wave(2, 0.6) + 0.4 * wave(5))
    zoom = height / format.height * scene.scale
    cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    centre = np.array([(format.width - 1) / 2, (format.height - 1) / 2])
    shift = (np.array([x, y]) + 0.5) * scene.scale - 0.5 - turn @ centre
    return np.column_stack((turn, shift)).astype(np.float32)
