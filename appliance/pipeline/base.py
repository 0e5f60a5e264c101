"""What a pipeline is, on the CPU or on the GPU, and what it says of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appliance.background.base import Background
from appliance.config.settings import Settings
from appliance.media.frame import U8, Frame, Rect
from appliance.shedding import Level
from appliance.stages.roi import Box
from appliance.stages.timings import StageClock

if TYPE_CHECKING:
    from appliance.media.canvas import BufferPool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``process`` saw: the part of the frame looked at, the person's box, components kept.

    ``carried``: the matte is the last one, moved along; the network did not look.
    """

    roi: Rect
    box: Box | None
    people: int
    carried: bool = False


class FramePipeline(Protocol):
    """One frame's path from live picture to composite. Used from one thread."""

    clock: StageClock

    @property
    def settings(self) -> Settings:
        """Those of the next frame."""
        ...

    @property
    def description(self) -> str:
        """What runs it, in words."""
        ...

    @property
    def behind(self) -> Frame:
        """The newest background: what a placeholder without a person shows."""
        ...

    @property
    def levels(self) -> Sequence[Level]:
        """The levels of shedding that bring something here."""
        ...

    def shed(self, level: Level) -> None:
        """Make frames with less work from the next one on, or with all of it again.

        Fewer frames, as ``Level.HALF`` also wants, are for the caller to see to.
        """
        ...

    def process(self, frame: Frame, out: Frame, matte_out: U8 | None = None) -> Outcome:
        """Composite ``frame`` into ``out``.

        Args:
            frame: of the pipeline's format. out: writable, same size and colour; overwritten.
            matte_out: uint8 (height, width), if given: the matte as composited, 0..255.

        Raises:
            MattingError: there is no trustworthy matte for this frame. ``out`` must not be shown;
                all state has been reset.
            GpuError: CUDA failed. Nothing can be shown any more: the process must end.
        """
        ...

    def use_background(self, background: Background) -> None:
        """Stand another background behind the person from the next frame on."""
        ...

    def use_canvases(self, pool: BufferPool) -> None:
        """Composites are going to be asked for in this pool's canvases."""
        ...

    def configure(self, settings: Settings) -> None:
        """Take other settings for every step from the next frame on."""
        ...

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        ...

    def close(self) -> None:
        """Give everything back; never raises. Safe to call twice."""
        ...
