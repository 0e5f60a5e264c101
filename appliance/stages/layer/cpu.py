"""The person apart from what is behind, on the CPU, for the stages that change the person alone."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.pixels import cpu
from appliance.stages.base import Common, Work


class LayerSteps:
    """Takes the person out of the frame."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._separate = cpu.Separator()
        self._layer: cpu.PersonLayer | None = None

        self._asked: tuple[Settings, bool] | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def layer(self, work: Work) -> None:
        """The person's layer, valid until the next frame.

        In one memory: writing to fresh memory each frame costs more than it seems. What needs the
        last frame's keeps a copy of its own kind. None for the sake of their light alone: the
        composite sees to that in its one pass.
        """
        assert work.matte is not None
        settings = self._common.settings
        if self._asked is None or self._asked[0] is not settings:
            self._asked = (settings, not settings.only_light)
        if not self._asked[1]:
            return
        if self._layer is None:
            f = self._common.format
            self._layer = cpu.empty_layer(f.width, f.height, f.colour)
        ramp = self._common.settings.roi.ramp
        self._separate(work.frame, work.matte, self._layer, feather_fraction=ramp)
        work.layer = self._layer
