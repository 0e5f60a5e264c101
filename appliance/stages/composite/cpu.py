"""The person over the background, on the CPU."""

from __future__ import annotations

from appliance.pixels import cpu
from appliance.stages.base import BackgroundFrames, Common, Work


class CompositeSteps:
    """The background's picture for this frame, and the composite."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._compositor = cpu.Compositor()
        self._background: BackgroundFrames | None = None

    def use(self, background: BackgroundFrames) -> None:
        """Put another background behind the person from the next frame on."""
        self._background = background

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def background(self, work: Work) -> None:
        """The picture behind the person in this frame."""
        assert self._background is not None
        work.behind = self._background.frame(work.frame)

    def composite(self, work: Work) -> None:
        """The person over the background, into ``out``; only the background if nobody is there."""
        assert work.behind is not None
        if work.layer is not None:
            cpu.blend_layer(work.layer, work.behind, work.out, matte_out=work.matte_out)
            return
        self._compositor(
            work.frame, work.behind, work.matte, work.out,
            feather_fraction=self._common.settings.roi.ramp, matte_out=work.matte_out,
        )  # fmt: skip
