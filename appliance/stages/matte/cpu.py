"""From raw alpha to the matte that is composited, on the CPU: check, clean, steady, refine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32, Rect
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.matte.checks import check_alpha
from appliance.stages.matte.hold import hold, thirtieths
from appliance.stages.participants import Sighting, by_participation


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last frame's planes and alpha, float32, over ``rect``, and its pts; for ``steady``."""

    rect: Rect
    alpha: F32
    planes: F32
    pts: int


@dataclass(frozen=True, slots=True)
class _Refined:
    """The last frame's coefficients of the guided filter over ``rect``; for ``refine``."""

    rect: Rect
    coefficients: F32

    def fits(self, rect: Rect, coefficients: F32) -> bool:
        """Whether the old and the new coefficients stand for the same places."""
        return self.rect == rect and self.coefficients.shape == coefficients.shape


class MatteSteps:
    """The steps between network and composite, with what they remember of the last frame."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._seen: _Seen | None = None
        self._refined: _Refined | None = None

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a change of geometry."""
        self._seen = self._refined = None

    def check(self, work: Work) -> None:
        """Refuse an implausible raw alpha. Raises MattingError: see ``check_alpha``."""
        assert work.raw is not None
        check_alpha(work.raw, self._common.settings.matting.max_coverage)

    def clean(self, work: Work) -> None:
        """Keep the components that are people. If switched off, all stay; their box is found."""
        assert work.raw is not None
        s = self._common.settings.clean
        alpha = work.alpha = np.clip(work.raw, 0, 1)
        if s.enabled:
            assert work.rect is not None
            known: tuple[cpu.Known, ...] = ()
            if by_participation(s):
                people = self._common.participants
                known = people.known(work.frame.pts, work.rect, alpha.shape)
            # The ROI's own border cuts nobody: the next one will be around them.
            sides = (work.rect.x == 0, work.rect.right == work.frame.width)
            work.kept = cpu.keep_components(alpha, s.threshold, s.keep, s.min_area, known, sides)
            work.sighting = Sighting(work.rect, alpha.shape, work.kept.found)
            cpu.clean(alpha, work.kept, s.grow)
        else:
            work.kept = cpu.keep_components(alpha, s.threshold, "all", 0.0)

    def steady(self, work: Work) -> None:
        """Hold alpha where the picture is still, in place."""
        assert work.alpha is not None
        assert work.planes is not None
        assert work.rect is not None
        alpha, planes, rect, last = work.alpha, work.planes, work.rect, self._seen
        if last is not None:
            s = self._common.settings.steady
            before = cpu.resample(last.planes, last.rect, rect, alpha.shape, -1000.0)
            work.moved = cpu.motion(planes, before, s.motion_low, s.motion_high)
            previous = cpu.resample(last.alpha, last.rect, rect, alpha.shape, 0.0)
            agreed, disputed = hold(s.strength, thirtieths(last.pts, work.frame.pts))
            cpu.loosen(work.moved, alpha, previous, agreed, disputed)
            cpu.steady(alpha, previous, work.moved, s.strength)
        # The planes are overwritten by the crop after the next only.
        self._seen = _Seen(rect, alpha, planes, work.frame.pts) if work.somebody else None

    def refine(self, work: Work) -> None:
        """Make the edges follow the picture's. If switched off, alpha is enlarged as it is."""
        assert work.alpha is not None
        assert work.planes is not None
        assert work.rect is not None
        alpha, planes, rect = work.alpha, work.planes, work.rect
        s, last = self._common.settings.refine, self._refined
        coefficients = np.empty((5, *alpha.shape), np.float32)
        marks = cpu.survey(alpha)
        if s.enabled:
            cpu.guided_coefficients(planes[0], alpha, s.radius, s.epsilon, coefficients[:2], marks)
            if work.moved is not None and last is not None and last.fits(rect, coefficients):
                # The guide's own noise would bring back the shimmer that was just taken out.
                for plane, previous in zip(coefficients[:2], last.coefficients[:2], strict=True):
                    cpu.steady(plane, previous, work.moved, self._common.settings.steady.strength)
        else:
            coefficients[0], coefficients[1] = 0, alpha
        if s.decontaminate:
            cpu.foreground_shift(planes, alpha, s.radius + 3, coefficients[2:], marks)
        else:
            coefficients[2:] = 0
        self._refined = _Refined(rect, coefficients) if s.enabled else None
        levels = s.levels if s.enabled else 0.0
        work.matte = cpu.Matte(rect, coefficients, s.decontaminate, levels)
