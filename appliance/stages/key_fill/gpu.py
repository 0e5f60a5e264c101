"""What outputs ask for beside the composite, on the GPU."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from appliance.config.settings import Companion
from appliance.media.surface import Surface
from appliance.pixels.gpu.key_fill import draw_fill, draw_key, draw_over_plain
from appliance.pixels.gpu.layer import PersonLayer
from appliance.stages.device.work import DeviceCommon, DeviceWork, Way
from appliance.stages.key_fill.kinds import plain_of


class KeyFillSteps:
    """Draws each kind once a frame, all from the layer that was composited."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Nothing to note."""

    def end(self, work: DeviceWork) -> None:
        """What goes beside a frame made between was drawn with the rest."""
        work.made_beside = work.made_at is not None and bool(self._between(work))

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        ways = (*work.companion_ways.items(), *self._between(work).items())
        return tuple((kind, way.target.address) for kind, way in ways)

    def draw(self, work: DeviceWork) -> None:
        """The person alone, as each kind wants them; the layer's alpha is 0 where nobody is."""
        assert work.layer is not None
        for companion, way in work.companion_ways.items():
            self._draw(companion, work.layer, way.target)
        for companion, way in self._between(work).items():
            assert work.layer_between is not None
            self._draw(companion, work.layer_between, way.target)

    @staticmethod
    def _between(work: DeviceWork) -> Mapping[Companion, Way]:
        return {} if work.layer_between is None else work.also_companion_ways

    def _draw(self, companion: Companion, layer: PersonLayer, out: Surface) -> None:
        context = self._common.context
        if companion.what == "key":
            draw_key(context, layer, out)
        elif companion.what == "green":
            draw_over_plain(context, layer, plain_of(companion, out.colour), out)
        else:
            draw_fill(context, layer, out, straight=companion.what == "fill-straight")
