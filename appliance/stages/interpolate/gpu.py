"""A frame between the last one and this, or soon after this, on the GPU.

Where in the picture the person is, the host does not know, so the motion is the whole picture's: at
the person's edge it is mixed with the room's. While the person is framed, nothing is made.
"""

from __future__ import annotations

from collections.abc import Hashable

from appliance.cuda.context import Buffer
from appliance.cuda.transfer import pitched
from appliance.pixels import cpu
from appliance.pixels.gpu.between import Between, DeviceFlow, blend_between, layer_between
from appliance.pixels.gpu.layer import PersonLayer
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.interpolate.when import Moment, moment_of


class InterpolateSteps:
    """Remembers the person's layer of the last frame, and makes the frame that is asked for."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._flow: DeviceFlow | None = None
        self._last: tuple[PersonLayer, int] | None = None
        self._what: Between | None = None
        self._moment: Moment | None = None
        self._alone: PersonLayer | None = None
        self._memory: Buffer | None = None

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a reconnect."""
        self._last = None

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """What is to be made of this frame and the last, and the motion between them."""
        self._what = self._moment = None
        if work.also_way is None or self._last is None or work.motion is None:
            return
        view = getattr(work, "view", None)
        if view is not None and not view.plain:
            # The layer that is framed is not made before the launch, nor is its motion known here.
            return
        assert work.layer is not None
        last, pts = self._last
        origin = work.motion.origin
        rows, columns = origin.shape[:2]
        if self._flow is None or (self._flow.rows, self._flow.columns) != (rows, columns):
            self._flow = DeviceFlow(self._common.context, rows, columns)
        mode = self._common.settings.stages.interpolate.mode
        self._moment = moment_of(mode, pts, work.frame.pts)
        self._flow.put(cpu.halfway(origin, self._moment.at))
        self._what = Between(last, work.layer, self._flow, self._moment.at)
        if work.also_companion_ways:
            work.layer_between = self._room()

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        what = self._what
        if what is None or work.also_way is None or work.behind is None:
            return None
        layers = (what.first.alpha, what.second.alpha)
        alone = work.layer_between.alpha if work.layer_between else 0
        return (
            alone, layers, what.flow.address, what.at, work.behind.address,
            work.also_way.target.address,
        )  # fmt: skip

    def interpolate(self, work: DeviceWork) -> None:
        """The picture for that time."""
        if self._what is None:
            return
        assert work.behind is not None
        assert work.also_way is not None
        context = self._common.context
        blend_between(context, self._what, work.behind, work.also_way.target)
        if work.layer_between is not None:
            layer_between(context, self._what, work.layer_between)

    def end(self, work: DeviceWork) -> None:
        """This frame is the next one's last."""
        if self._moment is not None:
            work.made_at = self._moment.pts
        self._last = None if work.layer is None else (work.layer, work.frame.pts)

    def _room(self) -> PersonLayer:
        """Where the person of the made frame goes, for what is drawn beside it."""
        if self._alone is None:
            f, context = self._common.format, self._common.context
            self._memory = context.alloc(f.width * f.height)
            front = pitched(context, f)
            self._alone = PersonLayer(front, self._memory.address, f.width, f.rect)
        return self._alone
