"""Captions on the GPU: drawn by the host, once a cue, and laid over the composite there."""

from __future__ import annotations

from collections.abc import Hashable

from appliance.pixels.gpu.overlay import DeviceCaption, blend_overlay
from appliance.stages.captions.painter import CaptionPainter
from appliance.stages.device.work import DeviceCommon, DeviceWork


class CaptionSteps:
    """Lays the frame's caption over the composite, and over a frame made beside it."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        f = common.format
        self._painter = CaptionPainter(f, common.settings.stages.captions)
        self._there = DeviceCaption(common.context, f.width, f.height)

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Send the caption to the device, if it is another than the last frame's."""
        frame = work.frame
        self._there.put(self._painter.overlay(frame.caption, frame.pts, self._common.settings))

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        assert work.way is not None
        also = work.also_way.target.address if work.also_way else 0
        return (self._there.address, work.way.target.address, also)

    def draw(self, work: DeviceWork) -> None:
        """What is being said while this frame is shown; launched even while that is nothing."""
        assert work.way is not None
        for way in (work.way, work.also_way):
            if way is not None:
                blend_overlay(self._common.context, way.target, self._there)
