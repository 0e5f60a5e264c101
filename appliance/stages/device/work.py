"""The frame being processed on the GPU, and what the parts of one pipeline share."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from appliance.config.settings import Companion, Settings
from appliance.cuda.context import Context
from appliance.media.frame import U8, Format, Frame, Rect
from appliance.media.surface import Surface
from appliance.pixels.cpu.affine import Viewport
from appliance.pixels.cpu.flow import Motion
from appliance.pixels.gpu.layer import PersonLayer
from appliance.pixels.gpu.matte import Matte
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.pixels.gpu.plate import Plate
from appliance.shedding.level import Level
from appliance.stages.device.look import DeviceLooks
from appliance.stages.device.memory import GridMemory
from appliance.stages.device.report import Report
from appliance.stages.looks.make import Style
from appliance.stages.participants import Participants, Sighting
from appliance.stages.plate_control import PlateControl
from appliance.stages.roi import Box, Tracker
from appliance.stages.things import Things
from appliance.stages.timings import StageClock


class DeviceBackgroundFrames(Protocol):
    """What the steps need of a background in device memory."""

    @property
    def wants_frame(self) -> bool:
        """True when it shows the person's own room."""
        ...

    @property
    def picture(self) -> Frame | None:
        """What the last call's surface is a copy of; None if it was made on the device."""
        ...

    def __call__(self, frame: Frame, live: Surface) -> Surface:
        """The background for ``frame``; ``live`` is that frame's copy in device memory."""
        ...


class Way(Protocol):
    """Where a composite is made, and how it comes back to the host."""

    @property
    def target(self) -> Surface:
        """Where the composite goes."""
        ...

    def send(self) -> None:
        """Start the transfer back, after everything launched so far."""
        ...

    def take(self) -> Frame | None:
        """Wait for it; returns the frame, or None if that is in the canvas already."""
        ...


@dataclass(slots=True)
class DeviceCommon:
    """What the parts of one pipeline on the GPU share.

    Attributes:
        settings, format, clock, tracker, participants, level, apart, style, plate: as
            in ``base.Common``.
        memory, looks: the current network's.
    """

    context: Context
    settings: Settings
    format: Format
    clock: StageClock
    tracker: Tracker
    participants: Participants
    memory: GridMemory
    looks: DeviceLooks | None = None
    level: Level = Level.FULL
    apart: tuple[Rect, ...] = ()
    style: Style | None = None
    plate: PlateControl = field(default_factory=lambda: PlateControl(copies=False))


class DevicePart(Protocol):
    """A part whose steps launch kernels, which are recorded together and replayed.

    A replayed step is not called: what later steps need in ``work`` must be set in ``begin``, and
    what advances from frame to frame, in ``end``.
    """

    @property
    def recordable(self) -> bool:
        """Whether its launches may be recorded into a CUDA graph."""
        ...

    def begin(self, work: DeviceWork) -> None:
        """Called for every frame before its steps are launched or replayed."""
        ...

    def key(self, work: DeviceWork) -> Hashable:
        """Equal for two frames if their launches are the same, with the same arguments."""
        ...

    def end(self, work: DeviceWork) -> None:
        """Called for every frame after its steps are launched or replayed."""
        ...


@dataclass(slots=True)
class DeviceWork:
    """One frame on its way down the cascade on the GPU. A field is None until it is given.

    Attributes:
        frame, out, matte_out: as in ``base.Work``.
        way: brings the composite back. matte_way: the matte, if wanted.
        also, made_at: as in ``base.Work``. also_way: brings that frame back.
        companions, also_companions, made_beside, layer_between: as in ``base.Work``.
        companion_ways, also_companion_ways: bring them back; of the same kinds.
        live: the frame in device memory. rect: the part of it that the grid covers.
        inner: where that goes in the network's input.
        motion, cut: as in ``base.Work``, in host memory.
        planes, raw, alpha, moved, matte, layer: as in ``base.Work``, in device memory.
        things: as in ``base.Work``, in host memory.
        view: as in ``base.Work``.
        kept: the components are known on the device; the host learns of them from ``report``.
        lead: the guide of a matte that has one, on the grid, 0..255.
        behind: the picture behind the person. behind_of: what it is a copy of, if anything.
        at_home: as in ``base.Work``.
        room: the empty room as far as it is known, and the address of its ``DeviceLight``.
        scan: it is time to look for people elsewhere. report_aside: the report on that look.
        scanned: raw alpha of the whole frame, from that look; until the network runs again.
        made, made_matte, made_also, made_companions, made_also_companions: what came back, unless
            it is in the canvas already.
        report: the verdict on the matte, once the composite is finished.
    """

    frame: Frame
    out: Frame
    matte_out: U8 | None = None
    way: Way | None = None
    matte_way: Way | None = None
    also: Frame | None = None
    also_way: Way | None = None
    made_at: int | None = None
    made_also: Frame | None = None
    companions: Mapping[Companion, Frame] | None = None
    companion_ways: Mapping[Companion, Way] = field(default_factory=dict)
    made_companions: Mapping[Companion, Frame | None] = field(default_factory=dict)
    also_companions: Mapping[Companion, Frame] | None = None
    also_companion_ways: Mapping[Companion, Way] = field(default_factory=dict)
    made_also_companions: Mapping[Companion, Frame | None] = field(default_factory=dict)
    made_beside: bool = False
    layer_between: PersonLayer | None = None
    live: Surface | None = None
    rect: Rect | None = None
    inner: Rect | None = None
    motion: Motion | None = None
    cut: bool | None = None
    planes: Plane | None = None
    raw: Raw | None = None
    alpha: Plane | None = None
    things: Things | None = None
    kept: bool | None = None
    lead: Plane | None = None
    moved: Plane | None = None
    matte: Matte | None = None
    layer: PersonLayer | None = None
    view: Viewport | None = None
    behind: Surface | None = None
    at_home: bool = False
    behind_of: Frame | None = None
    room: tuple[Plate, int] | None = None
    scan: bool | None = None
    looked_aside: bool | None = None
    scanned: Raw | None = None
    made: Frame | None = None
    made_matte: Frame | None = None
    report: Report | None = None
    report_aside: Report | None = None

    @property
    def matted(self) -> U8 | None:
        """The matte that came with the frame, in host memory; None: the network is to make one."""
        return self.frame.alpha

    @property
    def unmatted(self) -> bool | None:
        """True if no matte came with the frame, else None."""
        return None if self.frame.alpha is not None else True

    @property
    def somebody(self) -> bool:
        """Always True: whether anybody is there is decided on the device, unknown to the host."""
        return True

    @property
    def box(self) -> Box | None:
        """The kept components' box, in frame pixels; None when nobody is there."""
        return self.report.frame_box if self.report else None

    @property
    def elsewhere(self) -> Box | None:
        """The box found by the look at the whole frame."""
        return self.report_aside.frame_box if self.report_aside else None

    @property
    def sighting(self) -> Sighting | None:
        """What was found within the ROI; of a matte that came with the frame, nothing is."""
        return self.report.sighting if self.report and self.unmatted else None

    @property
    def aside(self) -> Sighting | None:
        """What was found by the look at the whole frame."""
        return self.report_aside.sighting if self.report_aside else None
