"""Captions on the CPU."""

from __future__ import annotations

from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.captions.painter import CaptionPainter


class CaptionSteps:
    """Lays the frame's caption over the composite, and over a frame made beside it."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._painter = CaptionPainter(common.format, common.settings.stages.captions)

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def draw(self, work: Work) -> None:
        """What is being said while this frame is shown."""
        frame = work.frame
        overlay = self._painter.overlay(frame.caption, frame.pts, self._common.settings)
        if overlay is None:
            return
        cpu.blend_overlay(work.out, overlay)
        if work.also is not None and work.made_at is not None:
            cpu.blend_overlay(work.also, overlay)
