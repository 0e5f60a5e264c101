"""What the CPU steps share: the frame being processed, and what one pipeline's parts all use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from appliance.config.settings import Settings
from appliance.media.frame import F32, U8, Format, Frame, Rect
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import Motion
from appliance.stages.participants import Participants, Sighting
from appliance.stages.plate_control import PlateControl
from appliance.stages.roi import Box, Tracker, frame_box
from appliance.stages.timings import StageClock


class BackgroundFrames(Protocol):
    """What the steps need of a background."""

    def frame(self, live: Frame) -> Frame:
        """The picture behind the person for this live frame, of the same size and colour."""
        ...


@dataclass(slots=True)
class Common:
    """What the parts of one pipeline share.

    Attributes:
        settings: of the current frame; they may be replaced between two frames.
        format: of every frame. clock: times each step.
        tracker: predicts where the person will be; replaced together with the network.
        participants: remembers who takes part.
        apart: the parts of the frame to look at in place of the ROI, as people stand far apart.
        plate: what others wish of the empty room, and what became of it.
    """

    settings: Settings
    format: Format
    clock: StageClock
    tracker: Tracker
    participants: Participants
    apart: tuple[Rect, ...] = ()
    plate: PlateControl = field(default_factory=PlateControl)


@dataclass(slots=True)
class Work:
    """One frame on its way down the cascade. A field is None until a step has given it.

    Attributes:
        frame: the live picture. out: the composite, overwritten.
        matte_out: uint8 (height, width), if wanted: the matte as composited, 0..255.
        rect: the part of the frame that the network's grid covers.
        held: the last frame's matte covers ``rect`` and may be carried to this frame.
        planes: float32 (3, rows, columns): Y, Cb, Cr over ``rect``, 0..255.
        motion: how the whole frame moved since the last one; None at the first, and after a cut.
        raw: float32 (rows, columns): alpha as the network gave it, or as it was carried.
        carried: ``raw`` was carried; the network did not look.
        alpha: float32 (rows, columns), 0..1; worked on in place. kept: its components.
        moved: float32 (rows, columns), 0..1: where the picture moved since the last frame, or the
            last matte is too old to be held.
        matte: what is composited; None where nobody is.
        layer: the person apart from what is behind, if a stage wants them so: it is composited in
            place of ``frame`` under ``matte``.
        behind: the picture behind the person.
        scan: it is time to look for people elsewhere. elsewhere: the box found there.
        scanned: float32 (rows, columns): raw alpha of the whole frame, from that look.
        sighting, aside: what this look and the one elsewhere found, to tell who takes part.
    """

    frame: Frame
    out: Frame
    matte_out: U8 | None = None
    rect: Rect | None = None
    held: bool | None = None
    planes: F32 | None = None
    motion: Motion | None = None
    raw: F32 | None = None
    carried: bool = False
    alpha: F32 | None = None
    kept: cpu.Kept | None = None
    moved: F32 | None = None
    matte: cpu.Matte | None = None
    layer: cpu.PersonLayer | None = None
    behind: Frame | None = None
    scan: bool | None = None
    elsewhere: Box | None = None
    scanned: F32 | None = None
    sighting: Sighting | None = None
    aside: Sighting | None = None

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
