"""The path of one frame: crop, net, clean, steady, refine, composite, track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2

from appliance.config.settings import Settings
from appliance.errors import MattingError
from appliance.media.frame import F32, U8, Format, Frame, Rect, blank
from appliance.networks.base import Matting
from appliance.pixels import cpu
from appliance.shedding import Level
from appliance.stages.matte.cpu import Found, PostProcess, check_alpha, frame_box
from appliance.stages.network.cpu import Look, inner_rect
from appliance.stages.propagate.cpu import Carry
from appliance.stages.roi import Box, Tracker
from appliance.stages.timings import StageClock

__all__ = ["BackgroundFrames", "Outcome", "Pipeline", "inner_rect"]


class BackgroundFrames(Protocol):
    """What the pipeline needs of a background."""

    def frame(self, live: Frame) -> Frame:
        """The picture behind the person for this live frame, of the same size and colour."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``process`` saw: the part of the frame looked at, the person's box, components kept.

    ``carried``: the matte is the last one, moved along; the network did not look.
    """

    roi: Rect
    box: Box | None
    people: int
    carried: bool = False


class Pipeline:
    """Turns a live frame into a composite. Everything it needs is allocated here, once."""

    def __init__(
        self, settings: Settings, format: Format, matting: Matting, background: BackgroundFrames
    ) -> None:
        # The grids are far too small for OpenCV's thread pool to win anything.
        cv2.setNumThreads(1)
        self.settings = settings
        self.format = format
        self.clock = StageClock()
        self._post = PostProcess(settings, self.clock)
        self._compositor = cpu.Compositor()
        self._carry = Carry()
        self._level = Level.FULL
        self._may_scan = True
        self.use_matting(matting)
        self.use_background(background)

    def use_matting(self, matting: Matting) -> None:
        """Run another network from the next frame on; starts over, as its grid is another."""
        self.description = matting.description
        """What runs the network, in words."""
        self._full = self._look = Look(matting, self.clock)
        self._small = Look(matting.smaller, self.clock) if matting.smaller else None
        aspect = self._full.aspect
        self._tracker = Tracker(self.settings.roi, self.format.width, self.format.height, aspect)
        self._post.reset()
        self._carry.reset()
        self.shed(self._level)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of shedding that bring something here."""
        return tuple(level for level in Level if level != Level.SMALL or self._small is not None)

    def shed(self, level: Level) -> None:
        """Make frames with less work from the next one on, or with all of it again.

        Fewer frames, as ``Level.HALF`` also wants, are for the caller to see to.
        """
        self._level = level
        look = self._small if self._small is not None and level >= Level.SMALL else self._full
        if look is not self._look:
            # What it remembers is of when it last looked, and the kept matte is of another grid.
            look.reset()
            self._carry.reset()
            self._look = look
        if level < Level.REUSE:
            self._carry.reset()

    def use_background(self, background: BackgroundFrames) -> None:
        """Stand another background behind the person from the next frame on."""
        self.background = background
        nothing = blank(self.format.width, self.format.height, self.format.colour)
        self.behind = background.frame(nothing)
        """The newest background: what a placeholder without a person shows."""

    def configure(self, settings: Settings) -> None:
        """Take other settings for every step from the next frame on."""
        self.settings = settings
        self._post.configure(settings)
        self._tracker.configure(settings.roi)

    def use_canvases(self, pool: object) -> None:
        """Nothing to prepare; see ``make_pipeline.FramePipeline``."""

    def close(self) -> None:
        """Nothing to give back; see ``make_pipeline.FramePipeline``."""

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        self._look.reset()
        self._post.reset()
        self._tracker.reset()
        self._carry.reset()

    def process(self, frame: Frame, out: Frame, matte_out: U8 | None = None) -> Outcome:
        """Composite ``frame`` into ``out``.

        Args:
            frame: of the pipeline's format. out: writable, same size and colour; overwritten.
            matte_out: uint8 (height, width), if given: the matte as composited, 0..255.

        Raises:
            MattingError: there is no trustworthy matte for this frame. ``out`` must not be shown;
                all state has been reset.
        """
        if frame.discontinuity:
            self.reset()
        try:
            raw, planes, roi, carried = self._matte(frame)
            found = self._post(raw, planes, roi)
            elsewhere = self._look_elsewhere(frame)
        except MattingError:
            self.reset()
            raise
        with self.clock("background"):
            behind = self.behind = self.background.frame(frame)
        with self.clock("composite"):
            self._compositor(
                frame, behind, found.matte, out,
                feather_fraction=self.settings.composite.feather, matte_out=matte_out,
            )  # fmt: skip
        self._track(found, elsewhere)
        return Outcome(roi, found.box, found.people, carried)

    def _matte(self, frame: Frame) -> tuple[F32, F32, Rect, bool]:
        """Raw alpha, the planes beside it, the part they cover, and whether alpha was carried."""
        rect = self._carry.rect
        if rect is not None:
            # The ROI may have moved on; it is the network that follows it, with its next look.
            planes = self._look.crop(frame, rect)
            with self.clock("carry"):
                alpha = self._carry.take(planes[0])
            if alpha is not None:
                self._may_scan = True
                return alpha, planes, rect, True
        # Two passes in one frame is what a slow machine has no time for: a frame that can be
        # carried will follow, with time for a look elsewhere.
        self._may_scan = self._level < Level.REUSE or rect is not None
        roi = self._tracker.roi
        alpha, planes = self._look(frame, roi)
        if self._level >= Level.REUSE:
            self._carry.keep(alpha, planes[0], roi)
        return alpha, planes, roi, False

    def _look_elsewhere(self, frame: Frame) -> Box | None:
        """Now and then, a look at the whole frame for people outside the ROI."""
        if not self._may_scan or not self._tracker.rescan_due(frame.captured):
            return None
        with self.clock("rescan"):
            raw, _ = self._look(frame, frame.rect, aside=True)
            check_alpha(raw, self.settings.matting.max_coverage)
            clean = self.settings.clean
            kept = cpu.keep_components(raw, clean.threshold, clean.keep, clean.min_area)
        return frame_box(kept.box, raw.shape, frame.rect) if kept.box else None

    def _track(self, found: Found, elsewhere: Box | None) -> None:
        with self.clock("track"):
            self._tracker.update(found.box, elsewhere)
