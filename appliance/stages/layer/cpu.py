"""The person apart from what is behind, on the CPU, for the stages that change the person alone."""

from __future__ import annotations

from appliance.pixels import cpu
from appliance.stages.base import Common, Work


class LayerSteps:
    """Takes the person out of the frame."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._separate = cpu.Separator()
        self._layers: tuple[cpu.PersonLayer, cpu.PersonLayer] | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def layer(self, work: Work) -> None:
        """The person's layer; where frames are made in between, the last one's stays valid."""
        assert work.matte is not None
        if self._layers is None:
            f = self._common.format
            first, second = (cpu.empty_layer(f.width, f.height, f.colour) for _ in range(2))
            self._layers = (first, second)
        this, last = self._layers
        if self._common.settings.stages.interpolate.enabled:
            # Only then: writing to fresh memory each frame costs more than it seems.
            self._layers = (last, this)
        ramp = self._common.settings.roi.ramp
        self._separate(work.frame, work.matte, this, feather_fraction=ramp)
        work.layer = this
