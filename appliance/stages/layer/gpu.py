"""The person apart from what is behind, on the GPU, for the stages that change the person alone."""

from __future__ import annotations

from collections.abc import Hashable

from appliance.cuda.context import Buffer
from appliance.cuda.transfer import pitched
from appliance.pixels.gpu.layer import PersonLayer, separate
from appliance.stages.device.work import DeviceCommon, DeviceWork


class LayerSteps:
    """Takes the person out of the frame. This frame's layer and the last one's are kept apart."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        f, context = common.format, common.context
        self._fronts = (pitched(context, f), pitched(context, f))
        self._alphas = tuple(context.alloc(f.width * f.height) for _ in range(2))
        self._turn = 0
        self._layer: PersonLayer | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """The layer of this frame, valid until the frame after the next."""
        assert work.rect is not None
        alpha: Buffer = self._alphas[self._turn]
        # A later stage may put another in its place before anything is launched.
        self._layer = work.layer = PersonLayer(
            self._fronts[self._turn], alpha.address, self._common.format.width, work.rect
        )

    def end(self, work: DeviceWork) -> None:
        """The other memory is for the next frame."""
        self._turn = 1 - self._turn

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        return (self._turn, work.rect)

    def layer(self, work: DeviceWork) -> None:
        """The person's layer."""
        assert work.live is not None
        assert self._layer is not None
        separate(
            self._common.context, work.live, work.matte, self._layer,
            feather_fraction=self._common.settings.roi.ramp,
        )  # fmt: skip
