"""A synthetic room with somebody in it, of whom the matte is known; no network is run."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.config.settings import Settings
from appliance.media.frame import F32, Format, Frame, Rect, blank
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.participants import Participants
from appliance.stages.plate.cpu import PlateSteps
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock
from tests.scenes import FULL

WIDTH, HEIGHT = 320, 180
GRID = (80, 144)
PERSON = (225, 70, 190)


class Room:
    """The stage ``plate`` in a room of its own, frame by frame.

    ``y``, ``uv``: the room as it is, float32, without noise and change of light.
    """

    def __init__(self, **plate: object) -> None:
        rng = self._rng = np.random.default_rng(5)
        coarse = rng.uniform(40, 190, (6, 10)).astype(np.float32)
        self.y: F32 = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        self.y[:, 150:164] = 30
        self.y[::9] += 12
        tint = rng.uniform(100, 150, (4, 6, 2)).astype(np.float32)
        self.uv: F32 = cv2.resize(tint, (WIDTH // 2, HEIGHT // 2))
        self.noise = 2.0
        settings = Settings.model_validate({"stages": {"plate": {"enabled": True, **plate}}})
        format = Format(WIDTH, HEIGHT, (30, 1), FULL)
        self.common = Common(
            settings, format, StageClock(), Tracker(settings.roi, WIDTH, HEIGHT, 16 / 9),
            Participants(WIDTH, HEIGHT),
        )  # fmt: skip
        self.steps = PlateSteps(self.common)
        self.serial = 0

    def shoot(
        self, mask: F32 | None = None, gain: float = 1.0, shift: tuple[int, int] = (0, 0)
    ) -> Frame:
        """A frame with somebody where ``mask``, float32 (HEIGHT, WIDTH), 0..1, says."""
        y = np.roll((self.y - 16) * gain + 16, shift, (1, 0))
        uv = np.roll((self.uv - 128) * gain + 128, (shift[0] // 2, shift[1] // 2), (1, 0))
        if mask is not None:
            y = y + mask * (PERSON[0] - y)
            small = cv2.resize(mask, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
            uv = uv + small[..., None] * (np.array(PERSON[1:], np.float32) - uv)
        y = y + self._rng.normal(0, self.noise, y.shape)
        uv = uv + self._rng.normal(0, self.noise / 2, uv.shape)
        self.serial += 1
        at = round(self.serial * 1e9 / 30)
        whole = np.clip(np.round(y), 0, 255).astype(np.uint8)
        return Frame(
            whole, np.clip(np.round(uv), 0, 255).astype(np.uint8), FULL, pts=at, captured=at,
            serial=self.serial,
        )  # fmt: skip

    def run(self, frame: Frame, seen: F32 | None = None) -> F32:
        """Have the stage look at a frame whose network's alpha is ``seen`` (HEIGHT, WIDTH).

        Returns alpha on the grid, with the plate's evidence.
        """
        work = self.work(frame, seen)
        self.steps.plate(work)
        self.steps.learn(work)
        assert work.alpha is not None
        return work.alpha

    def work(self, frame: Frame, seen: F32 | None = None) -> Work:
        """The frame as the step ``clean`` leaves it."""
        raw = np.zeros(GRID, np.float32)
        if seen is not None:
            raw = cv2.resize(seen, GRID[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
        planes = np.empty((3, *GRID), np.float32)
        cpu.crop_planes(frame, frame.rect, planes)
        return Work(
            frame, blank(WIDTH, HEIGHT, FULL), rect=Rect(0, 0, WIDTH, HEIGHT), planes=planes,
            raw=raw, alpha=raw.copy(), kept=cpu.keep_components(raw, 0.3, "all", 0.0),
        )  # fmt: skip


def figure(x: float, width: float = 26, top: float = 40) -> F32:
    """Somebody upright at column ``x``, float32 (HEIGHT, WIDTH), 0..1."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.rectangle(mask, (round(x - width), round(top + 40)), (round(x + width), HEIGHT), 1, -1)
    cv2.circle(mask, (round(x), round(top + 22)), round(width * 0.7), 1, -1)
    return np.asarray(cv2.GaussianBlur(mask, (5, 5), 1.0), np.float32)
