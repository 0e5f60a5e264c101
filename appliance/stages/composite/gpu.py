"""The person over the background, on the GPU."""

from __future__ import annotations

from collections.abc import Hashable

from appliance.pixels.gpu.composite import composite
from appliance.pixels.gpu.layer import blend_layer
from appliance.stages.device.work import DeviceBackgroundFrames, DeviceCommon, DeviceWork


class CompositeSteps:
    """The background's picture for this frame, and the composite."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._background: DeviceBackgroundFrames | None = None

    def use(self, background: DeviceBackgroundFrames) -> None:
        """Put another background behind the person from the next frame on."""
        self._background = background

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Nothing to note."""

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        assert work.live is not None
        assert work.behind is not None
        assert work.way is not None
        matte = work.matte_way.target.address if work.matte_way else 0
        # The matte is known this early only if it came with the frame.
        return (
            work.live.address, work.behind.address, work.way.target.address, matte, work.matte,
        )  # fmt: skip

    def background(self, work: DeviceWork) -> None:
        """The picture behind the person in this frame, in device memory."""
        assert self._background is not None
        assert work.live is not None
        work.behind = self._background(work.frame, work.live)
        work.at_home = self._background.wants_frame
        work.behind_of = self._background.picture

    def composite(self, work: DeviceWork) -> None:
        """The person over the background; the verdict decides whether anybody is shown."""
        assert work.live is not None
        assert work.behind is not None
        assert work.way is not None
        target = work.matte_way.target if work.matte_way else None
        matte = {
            "matte_out": target.address if target else 0,
            "matte_pitch": target.pitch if target else 0,
        }
        if work.layer is not None:
            blend_layer(
                self._common.context, work.layer, work.behind, work.way.target,
                **matte,
            )  # fmt: skip
            self._common.memory.this.verdict.fetch()
            return
        composite(
            self._common.context, work.live, work.behind, work.matte, work.way.target,
            feather_fraction=self._common.settings.roi.ramp, **matte,
        )  # fmt: skip
        self._common.memory.this.verdict.fetch()
