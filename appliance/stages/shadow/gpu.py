"""The person's soft shadow on what is behind, on the GPU."""

from __future__ import annotations

from collections.abc import Hashable

from appliance.cuda.transfer import pitched
from appliance.media.surface import Surface
from appliance.pixels.gpu.light import enlarge, light_grid, shrink
from appliance.pixels.gpu.shadow import ContactShadow, darken
from appliance.stages.device.work import DeviceCommon, DeviceWork


class ShadowSteps:
    """Darkens a copy of what is behind."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        context, f = common.context, common.format
        self._grid = rows, columns = light_grid(f.width, f.height)
        self._alpha, self._small = context.alloc(rows * columns), context.alloc(rows * columns)
        self._shade = context.alloc(f.width * f.height)
        self._shadow = ContactShadow(context, self._grid)
        self._out = pitched(context, f)
        self._behind: Surface | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """What is behind is darkened, but in their own room, which has its shadows."""
        self._behind = None if work.at_home else work.behind
        if self._behind is not None:
            work.behind = self._out

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        return self._behind.address if self._behind else 0

    def shadow(self, work: DeviceWork) -> None:
        """What is behind, darker near the person."""
        assert work.layer is not None
        if self._behind is None:
            return
        context, layer, f = self._common.context, work.layer, self._common.format
        size = (f.width, f.height)
        shrink(context, layer.alpha, layer.pitch, size, 1, self._alpha.address, self._grid)
        strength = self._common.settings.stages.harmonise.contact_shadow
        self._shadow(self._alpha.address, strength, self._small.address)
        enlarge(context, self._small.address, self._grid, 1, self._shade.address, size)
        darken(context, self._behind, self._shade.address, f.width, self._out)
