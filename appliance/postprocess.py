"""From the network's raw alpha to the matte that is composited: clean, steady, refine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.errors import MattingError
from appliance.frame import F32, Rect
from appliance.pixels import cpu
from appliance.roi import Box
from appliance.settings import Settings
from appliance.stages import StageClock

_CHECK_HINT = "the placeholder is shown until the network recovers"


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass of the network found.

    Attributes:
        matte: ready for the composite; None when nobody is there.
        box: the kept components' box, in frame pixels; None when nobody is there.
        people: components kept.
    """

    matte: cpu.Matte | None
    box: Box | None
    people: int


def check_alpha(alpha: F32, max_coverage: float) -> None:
    """Refuse an alpha that cannot be true.

    Raises:
        MattingError: NaN or infinity in it, or more of the picture than ``max_coverage`` covered
            (a network that says "person" everywhere would show the whole room).
    """
    mean = float(alpha.mean())
    if not np.isfinite(mean):
        raise MattingError(f"the network gave NaN or infinity; {_CHECK_HINT}")
    if mean > max_coverage:
        raise MattingError(
            f"the network calls {100 * mean:.1f} % of the picture person, more than "
            f"matting.max_coverage = {max_coverage}; {_CHECK_HINT}"
        )


def frame_box(box: Rect, grid: tuple[int, int], rect: Rect) -> Box:
    """A box in grid pixels as a box in frame pixels; the grid (rows, columns) covers ``rect``."""
    scale_x, scale_y = rect.width / grid[1], rect.height / grid[0]
    return Box(
        rect.x + box.x * scale_x,
        rect.y + box.y * scale_y,
        rect.x + box.right * scale_x,
        rect.y + box.bottom * scale_y,
    )


class PostProcess:
    """The steps between network and composite, with what they remember of the last frame."""

    def __init__(self, settings: Settings, clock: StageClock) -> None:
        self._settings = settings
        self._clock = clock
        self._alpha: F32 | None = None
        self._luma: F32 | None = None
        self._rect = Rect(0, 0, 0, 0)

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a change of geometry."""
        self._alpha = self._luma = None

    def __call__(self, raw: F32, planes: F32, rect: Rect) -> Found:
        """Turn a raw alpha into a matte.

        Args:
            raw: float32 (rows, columns), as the network gave it.
            planes: float32 (3, rows, columns): Y, Cb, Cr, 0..255, of the same part of the frame.
            rect: that part.

        Raises:
            MattingError: see ``check_alpha``.
        """
        s = self._settings
        check_alpha(raw, s.matting.max_coverage)
        alpha = np.clip(raw, 0, 1)
        with self._clock("clean"):
            if s.clean.enabled:
                kept = cpu.keep_components(alpha, s.clean.threshold, s.clean.keep, s.clean.min_area)
                cpu.clean(alpha, kept, s.clean.grow)
            else:
                kept = cpu.keep_components(alpha, s.clean.threshold, "all", 0.0)
        with self._clock("steady"):
            if s.steady.enabled:
                self._steady(alpha, planes[0], rect)
        if kept.box is None and float(alpha.max()) < 1 / 255:
            return Found(None, None, 0)
        with self._clock("refine"):
            matte = self._refine(alpha, planes, rect)
        box = frame_box(kept.box, alpha.shape, rect) if kept.box else None
        return Found(matte, box, kept.count)

    def _steady(self, alpha: F32, luma: F32, rect: Rect) -> None:
        s = self._settings.steady
        if self._alpha is not None and self._luma is not None:
            previous = cpu.resample(self._alpha, self._rect, rect, alpha.shape, 0.0)
            before = cpu.resample(self._luma, self._rect, rect, alpha.shape, -1000.0)
            cpu.steady(alpha, luma, previous, before, s.strength, s.motion_low, s.motion_high)
        self._alpha, self._luma, self._rect = alpha.copy(), luma.copy(), rect

    def _refine(self, alpha: F32, planes: F32, rect: Rect) -> cpu.Matte:
        s = self._settings.refine
        coefficients = np.zeros((5, *alpha.shape), np.float32)
        if s.enabled:
            cpu.guided_coefficients(planes[0], alpha, s.radius, s.epsilon, coefficients[:2])
        else:
            coefficients[1] = alpha
        if s.enabled and s.levels:
            # (alpha - levels) / (1 - 2*levels), clipped by the composite: linear, so it costs nothing.
            coefficients[:2] /= 1 - 2 * s.levels
            coefficients[1] -= s.levels / (1 - 2 * s.levels)
        if s.decontaminate:
            cpu.foreground_shift(planes, alpha, s.radius + 3, coefficients[2:])
        return cpu.Matte(rect, coefficients, s.decontaminate)
