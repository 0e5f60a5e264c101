"""What a pipeline is, on the CPU or on the GPU, and what it reports about a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appliance.background.base import Background
from appliance.config.settings import Companion, Settings
from appliance.media.frame import U8, Frame, Rect
from appliance.shedding import Level
from appliance.stages.looks.make import Style
from appliance.stages.plate_control import PlateControl
from appliance.stages.roi import Box
from appliance.stages.timings import StageClock

if TYPE_CHECKING:
    from appliance.media.canvas import BufferPool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``process`` saw: the part of the frame looked at, the person's box, components kept.

    ``carried``: the matte is the last one, moved along; the network did not run. ``made_at``: the
    time (pts) of the frame made in ``also``; None if none was made. ``made_beside``: what goes
    beside that one was drawn.
    """

    roi: Rect
    box: Box | None
    people: int
    carried: bool = False
    made_at: int | None = None
    made_beside: bool = False


class FramePipeline(Protocol):
    """One frame's path from live picture to composite. Used from one thread."""

    clock: StageClock

    @property
    def settings(self) -> Settings:
        """The settings for the next frame."""
        ...

    @property
    def description(self) -> str:
        """What runs it, in words."""
        ...

    @property
    def resting(self) -> Mapping[str, str]:
        """Why optional stages that failed are left out for now, by name; from any thread."""
        ...

    @property
    def interpolates(self) -> bool:
        """Whether it can make frames between those of the source, and shedding lets it."""
        ...

    @property
    def levels(self) -> Sequence[Level]:
        """The levels of shedding that help here."""
        ...

    @property
    def plate(self) -> PlateControl:
        """Takes wishes about the empty room (``stages.plate``)."""
        ...

    def shed(self, level: Level) -> None:
        """Do less work per frame from the next one on, or all of it again.

        Making fewer frames, as ``Level.HALF`` also demands, is the caller's job.
        """
        ...

    def process(
        self, frame: Frame, out: Frame, matte_out: U8 | None = None, also: Frame | None = None,
        companions: Mapping[Companion, Frame] | None = None,
        also_companions: Mapping[Companion, Frame] | None = None,
    ) -> Outcome:  # fmt: skip
        """Composite ``frame`` into ``out``.

        Args:
            frame: of the pipeline's format. out: writable, same size and colour; overwritten.
            matte_out: uint8 (height, width), if given: the matte as composited, 0..255.
            also: as ``out``, if one more frame is wanted, for a time between two of the source's;
                whether it was made, ``Outcome.made_at`` tells.
            companions: as ``out``, for what ``settings.companions`` names, or some of it: drawn
                from what is composited.
            also_companions: the same beside ``also``; whether they were drawn,
                ``Outcome.made_beside`` tells.

        Raises:
            MattingError: there is no trustworthy matte for this frame. ``out`` must not be shown;
                all state has been reset.
            GpuError: CUDA failed. Nothing can be shown any more: the process must end.
        """
        ...

    def use_background(self, background: Background) -> None:
        """Put another background behind the person from the next frame on."""
        ...

    def use_style(self, style: Style | None) -> None:
        """Take a style made ahead for the settings, from the next frame on.

        Without it the step makes its own, and the frame waits for that.
        """
        ...

    def use_canvases(self, pool: BufferPool) -> None:
        """Prepare for composites to be requested in this pool's canvases."""
        ...

    def configure(self, settings: Settings) -> None:
        """Apply new settings to every step from the next frame on."""
        ...

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        ...

    def close(self) -> None:
        """Release everything; never raises. Safe to call twice."""
        ...
