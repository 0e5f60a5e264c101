"""The person over the background, on the CPU."""

from __future__ import annotations

from appliance.pixels import cpu
from appliance.stages.base import BackgroundFrames, Common, MovingFrames, Work


class CompositeSteps:
    """The background's picture for this frame, and the composite."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._compositor = cpu.Compositor()
        self._lit = cpu.LitCompositor()
        self._background: BackgroundFrames | None = None
        self._moving: MovingFrames | None = None

    def use(self, background: BackgroundFrames) -> None:
        """Put another background behind the person from the next frame on."""
        self._background = background
        self._moving = background if isinstance(background, MovingFrames) else None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def background(self, work: Work) -> None:
        """The picture behind the person in this frame."""
        assert self._background is not None
        work.at_home = self._background.wants_frame
        work.behind = work.given = self._background.frame(work.frame)
        work.giver = self._moving

    def composite(self, work: Work) -> None:
        """The person over the background, into ``out``; only the background if nobody is there."""
        assert work.behind is not None
        if work.layer is not None:
            cpu.blend_layer(work.layer, work.behind, work.out, matte_out=work.matte_out)
            return
        if work.light is not None and work.matte is not None:
            self._lit(
                work.frame, work.behind, work.matte, work.out, work.light,
                feather_fraction=self._common.settings.roi.ramp, matte_out=work.matte_out,
            )  # fmt: skip
            return
        self._compositor(
            work.frame, work.behind, work.matte, work.out,
            feather_fraction=self._common.settings.roi.ramp, matte_out=work.matte_out,
        )  # fmt: skip
