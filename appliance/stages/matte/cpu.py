"""From the network's raw alpha to the matte that is composited: clean, steady, refine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.config.settings import Settings
from appliance.errors import MattingError
from appliance.media.frame import F32, Rect
from appliance.pixels import cpu
from appliance.stages.roi import Box
from appliance.stages.timings import StageClock

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
        raise not_finite()
    if mean > max_coverage:
        raise covers_too_much(mean, max_coverage)


def not_finite() -> MattingError:
    """The error for an alpha with NaN or infinity in it."""
    return MattingError(f"the network gave NaN or infinity; {_CHECK_HINT}")


def covers_too_much(mean: float, max_coverage: float) -> MattingError:
    """The error for an alpha whose mean is more than is allowed."""
    return MattingError(
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


@dataclass(frozen=True, slots=True)
class _Last:
    """What is remembered of the last frame."""

    rect: Rect
    alpha: F32
    planes: F32
    coefficients: F32
    refined: bool
    """Whether these are the filter's coefficients, and not just alpha."""

    def fits(self, rect: Rect, coefficients: F32) -> bool:
        """Whether coefficients of then and now stand for the same places."""
        same = self.rect == rect and self.coefficients.shape == coefficients.shape
        return same and self.refined


class PostProcess:
    """The steps between network and composite, with what they remember of the last frame."""

    def __init__(self, settings: Settings, clock: StageClock) -> None:
        self._settings = settings
        self._clock = clock
        self._last: _Last | None = None

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on."""
        self._settings = settings

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a change of geometry."""
        self._last = None

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
        moved = None
        with self._clock("steady"):
            if s.steady.enabled and self._last is not None:
                moved = self._steady(alpha, planes, rect, self._last)
        if kept.box is None and float(alpha.max()) < 1 / 255:
            self._last = None
            return Found(None, None, 0)
        with self._clock("refine"):
            matte = self._refine(alpha, planes, rect, moved)
        self._last = _Last(rect, alpha, planes.copy(), matte.coefficients, s.refine.enabled)
        box = frame_box(kept.box, alpha.shape, rect) if kept.box else None
        return Found(matte, box, kept.count)

    def _steady(self, alpha: F32, planes: F32, rect: Rect, last: _Last) -> F32:
        """Steady ``alpha`` in place; gives where the picture moved."""
        s = self._settings.steady
        before = cpu.resample(last.planes, last.rect, rect, alpha.shape, -1000.0)
        moved = cpu.motion(planes, before, s.motion_low, s.motion_high)
        previous = cpu.resample(last.alpha, last.rect, rect, alpha.shape, 0.0)
        cpu.steady(alpha, previous, moved, s.strength)
        return moved

    def _refine(self, alpha: F32, planes: F32, rect: Rect, moved: F32 | None) -> cpu.Matte:
        s = self._settings.refine
        coefficients = np.zeros((5, *alpha.shape), np.float32)
        if s.enabled:
            cpu.guided_coefficients(planes[0], alpha, s.radius, s.epsilon, coefficients[:2])
            last = self._last
            if moved is not None and last is not None and last.fits(rect, coefficients):
                # The guide's own noise would bring back the shimmer that was just taken out.
                for plane, previous in zip(coefficients[:2], last.coefficients[:2], strict=True):
                    cpu.steady(plane, previous, moved, self._settings.steady.strength)
        else:
            coefficients[1] = alpha
        if s.decontaminate:
            cpu.foreground_shift(planes, alpha, s.radius + 3, coefficients[2:])
        return cpu.Matte(rect, coefficients, s.decontaminate, s.levels if s.enabled else 0.0)
