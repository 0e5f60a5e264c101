"""The frame in work on the GPU, and what the parts of one pipeline share."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from appliance.config.settings import Settings
from appliance.cuda.context import Context
from appliance.cuda.graph import Replay
from appliance.media.frame import U8, Format, Frame, Rect
from appliance.media.surface import DeviceOverlay, Surface
from appliance.networks.base import DeviceRunner
from appliance.networks.ends import NetworkEnds
from appliance.pixels.gpu.composite import Matte
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.stages.device.memory import GridMemory
from appliance.stages.device.report import Report
from appliance.stages.roi import Box, Tracker
from appliance.stages.timings import StageClock


class DeviceBackgroundFrames(Protocol):
    """What the steps need of a background in device memory."""

    @property
    def picture(self) -> Frame:
        """The newest one in the host's memory."""
        ...

    def __call__(self, frame: Frame, live: Surface) -> Surface:
        """The background of a frame, of which ``live`` is the copy in device memory."""
        ...


class Way(Protocol):
    """Where a composite is made, and how it comes back to the host."""

    @property
    def target(self) -> Surface:
        """Where the composite goes."""
        ...

    def send(self) -> None:
        """Start its way back, behind all that was launched so far."""
        ...

    def take(self) -> Frame | None:
        """Wait for it; the frame, where it is not in the canvas itself already."""
        ...


@dataclass(slots=True)
class DeviceCommon:
    """What the parts of one pipeline on the GPU share.

    Attributes:
        settings, format, clock, tracker: as in ``base.Common``.
        replay: records what comes again. memory, ends, runner: of the network that runs now.
    """

    context: Context
    settings: Settings
    format: Format
    clock: StageClock
    tracker: Tracker
    replay: Replay
    memory: GridMemory
    ends: NetworkEnds | None = None
    runner: DeviceRunner | None = None
    background: DeviceBackgroundFrames | None = None


class DevicePart(Protocol):
    """A part whose steps launch kernels, which are recorded together and replayed.

    A step that is replayed is not called: what later steps are to find in ``work`` is noted in
    ``begin``, and what goes on from frame to frame in ``end``.
    """

    @property
    def recordable(self) -> bool:
        """Whether its launches may be recorded into a CUDA graph."""
        ...

    def begin(self, work: DeviceWork) -> None:
        """Called for every frame before its steps are launched or replayed."""
        ...

    def key(self, work: DeviceWork) -> Hashable:
        """The same where the same is launched, with the same arguments."""
        ...

    def end(self, work: DeviceWork) -> None:
        """Called for every frame after that."""
        ...


@dataclass(slots=True)
class DeviceWork:
    """One frame on its way down the cascade on the GPU. A field is None until it is given.

    Attributes:
        frame, out, matte_out: as in ``base.Work``.
        way: takes the composite back. matte_way: the matte, where it is wanted.
        live: the frame in device memory. rect: the part of it that the grid covers.
        inner: where that goes in the network's input.
        planes, raw, alpha, moved, matte: as in ``base.Work``, in device memory.
        kept: the device knows the components; the host reads of them in ``report``.
        behind: the picture behind the person. overlay: what is drawn on top.
        scan: it is time to look for people elsewhere; ``aside`` is what was seen there.
        made, made_matte: what came back, where it is not in the canvas already.
        report: what the matte came to, once the composite is there.
    """

    frame: Frame
    out: Frame
    matte_out: U8 | None = None
    way: Way | None = None
    matte_way: Way | None = None
    live: Surface | None = None
    rect: Rect | None = None
    inner: Rect | None = None
    planes: Plane | None = None
    raw: Raw | None = None
    alpha: Plane | None = None
    kept: bool | None = None
    moved: Plane | None = None
    matte: Matte | None = None
    behind: Surface | None = None
    overlay: DeviceOverlay | None = None
    scan: bool | None = None
    looked_aside: bool | None = None
    made: Frame | None = None
    made_matte: Frame | None = None
    report: Report | None = None
    aside: Report | None = None

    @property
    def somebody(self) -> bool:
        """Whether anybody is there is decided on the device; to the host everybody may be."""
        return True

    @property
    def box(self) -> Box | None:
        """The kept components' box, in frame pixels; None when nobody is there."""
        return self.report.frame_box if self.report else None

    @property
    def elsewhere(self) -> Box | None:
        """The box that the look at the whole frame found."""
        return self.aside.frame_box if self.aside else None
