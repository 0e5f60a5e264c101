"""What the CPU steps share: the frame being processed, and what one pipeline's parts all use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from appliance.config.settings import Companion, Settings
from appliance.media.frame import F32, U8, Format, Frame, Rect
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import Motion
from appliance.shedding.level import Level
from appliance.stages.looks.make import Style
from appliance.stages.participants import Participants, Sighting
from appliance.stages.plate_control import PlateControl
from appliance.stages.roi import Box, Tracker, frame_box
from appliance.stages.things import Things
from appliance.stages.timings import StageClock


class BackgroundFrames(Protocol):
    """What the steps need of a background."""

    wants_frame: bool
    """True when it shows the person's own room."""

    def frame(self, live: Frame) -> Frame:
        """The picture behind the person for this live frame, of the same size and colour."""
        ...


@runtime_checkable
class MovingFrames(Protocol):
    """A background that moves by itself."""

    def before(self, ago_ns: int) -> Frame:
        """Its picture so many nanoseconds ago."""
        ...


@dataclass(slots=True)
class Common:
    """What the parts of one pipeline share.

    Attributes:
        settings: of the current frame; they may be replaced between two frames.
        format: of every frame. clock: times each step.
        tracker: predicts where the person will be; replaced together with the network.
        participants: remembers who takes part.
        level: what is left out: at ``Level.SPARE`` and above, optional stages look half as often.
        apart: the parts of the frame to look at in place of the ROI, as people stand far apart.
        style: made ahead for the settings, its tables baked.
        plate: what others wish of the empty room, and what became of it.
    """

    settings: Settings
    format: Format
    clock: StageClock
    tracker: Tracker
    participants: Participants
    level: Level = Level.FULL
    apart: tuple[Rect, ...] = ()
    style: Style | None = None
    plate: PlateControl = field(default_factory=PlateControl)


@dataclass(slots=True)
class Work:
    """One frame on its way down the cascade. A field is None until a step has given it.

    Attributes:
        frame: the live picture. out: the composite, overwritten.
        matte_out: uint8 (height, width), if wanted: the matte as composited, 0..255.
        also: where a frame for another time may be made, if one is wanted. made_at: the time
            (pts) that one was made for.
        companions: what is to be drawn beside the composite, overwritten; None: nothing.
        also_companions: the same beside ``also``. made_beside: they were drawn.
        layer_between: the person in ``also``, for those.
        rect: the part of the frame that the network's grid covers.
        held: the last frame's matte covers ``rect`` and may be carried to this frame.
        planes: float32 (3, rows, columns): Y, Cb, Cr over ``rect``, 0..255.
        motion: how the whole frame moved since the last one; None at the first, and after a cut.
        cut: a cut, or a time away, was seen between the last frame and this one.
        raw: float32 (rows, columns): alpha as the network gave it, or as it was carried.
        key: the chroma key over ``rect``, if there is a wall.
        carried: ``raw`` was carried; the network did not look.
        alpha: float32 (rows, columns), 0..1; worked on in place. kept: its components.
        things: those of the chosen classes, if they are to be shown.
        moved: float32 (rows, columns), 0..1: where the picture moved since the last frame, or the
            last matte is too old to be held.
        matte: what is composited; None where nobody is.
        layer: the person apart from what is behind, if a stage wants them so: it is composited in
            place of ``frame`` under ``matte``.
        view: the part of the frame that the layer shows on the canvas, where a stage has moved it.
        at_home: what is behind shows the person's own room.
        light: what the composite is to do to the person, where there is no layer.
        behind: the picture behind the person. given: the same as the background gave it, and
            giver: that background, if it moves by itself.
        scan: it is time to look for people elsewhere. elsewhere: the box found there.
        scanned: float32 (rows, columns): raw alpha of the whole frame, from that look.
        sighting, aside: what this look and the one elsewhere found, to tell who takes part.
    """

    frame: Frame
    out: Frame
    matte_out: U8 | None = None
    also: Frame | None = None
    made_at: int | None = None
    companions: Mapping[Companion, Frame] | None = None
    also_companions: Mapping[Companion, Frame] | None = None
    made_beside: bool = False
    layer_between: cpu.PersonLayer | None = None
    rect: Rect | None = None
    held: bool | None = None
    planes: F32 | None = None
    motion: Motion | None = None
    cut: bool | None = None
    raw: F32 | None = None
    key: cpu.Key | None = None
    carried: bool = False
    alpha: F32 | None = None
    kept: cpu.Kept | None = None
    things: Things | None = None
    moved: F32 | None = None
    matte: cpu.Matte | None = None
    layer: cpu.PersonLayer | None = None
    view: cpu.Viewport | None = None
    light: cpu.Light | None = None
    behind: Frame | None = None
    at_home: bool = False
    given: Frame | None = None
    giver: MovingFrames | None = None
    scan: bool | None = None
    elsewhere: Box | None = None
    scanned: F32 | None = None
    sighting: Sighting | None = None
    aside: Sighting | None = None

    @property
    def matted(self) -> U8 | None:
        """The matte that came with the frame; None: it is for the network to make one."""
        return self.frame.alpha

    @property
    def unmatted(self) -> bool | None:
        """True if no matte came with the frame, else None."""
        return None if self.frame.alpha is not None else True

    @property
    def somebody(self) -> bool | None:
        """True if anything of a person is left in ``alpha``, else None."""
        if self.kept is None or self.alpha is None:
            return None
        there = self.kept.box is not None or float(self.alpha.max()) >= 1 / 255
        return there or None

    @property
    def box(self) -> Box | None:
        """The kept components' box, in frame pixels; None when nobody is there."""
        if self.kept is None or self.kept.box is None or self.alpha is None or self.rect is None:
            return None
        return frame_box(self.kept.box, self.alpha.shape, self.rect)
