"""What a face driver is: while the avatar speaks, patches for the picture, tick by tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from appliance.avatars.avatar import Avatar
from appliance.media.audio import I16
from appliance.media.frame import U8, Rect
from appliance.voices.base import Mark


@dataclass(frozen=True, slots=True)
class FaceSpec:
    """What a driver needs to see, and how it is to be asked.

    Attributes:
        rate: samples a second of the sound that it takes.
        left_ms, right_ms: sound before and after a tick's own that it needs. The host synthesises
            ``right_ms`` ahead; at the end of the speech there is silence.
        batch: ticks that it makes at once; 1: tick by tick.
    """

    rate: int = 16_000
    left_ms: int = 0
    right_ms: int = 0
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """The base picture of one tick: which clip and frame is shown, as it lies on the canvas.

    Attributes:
        clip: a clip's name; empty in a seam, where no face is known. frame: from 0.
        y, uv, alpha: as in ``ClipFrame``; read only. rect: where they lie on the canvas.
    """

    clip: str
    frame: int
    y: U8
    uv: U8
    alpha: U8
    rect: Rect


@dataclass(frozen=True, slots=True)
class Patch:
    """What to lay over the base picture, in its colour; the host owns the feather.

    Attributes:
        rect: where, on the canvas; any offset.
        y: uint8 (rect.height, rect.width). uv: uint8 (ceil(height/2), ceil(width/2), 2).
        mask: uint8 (rect.height, rect.width), 0..255, multiplied by the feather; None: all 255.
    """

    rect: Rect
    y: U8
    uv: U8
    mask: U8 | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """The sound around one tick.

    Attributes:
        sound: int16 (samples,), one channel at the driver's rate: ``left_ms``, the tick's own time,
            ``right_ms``; silence where there is none.
        marks: visemes and words that lie in or around the tick, ``ms`` from the tick's beginning
            (negative: before it), by time: at least the one that is on, and the next.
    """

    sound: I16
    marks: Sequence[Mark]


class FaceDriver(Protocol):
    """A driver. All but ``close`` is called by one thread, which is not the clock's."""

    name: str
    spec: FaceSpec

    def prepare(self, avatar: Avatar) -> None:
        """Get ready for an avatar. Raises FaceError when it cannot serve it, with what to do."""
        ...

    def step(
        self, turn: int, shown: Sequence[Shown], spoken: Sequence[Spoken]
    ) -> list[Patch | None]:
        """The patches of ``spec.batch`` ticks; None leaves the base picture as it is.

        Raises FaceError. What comes too late is not shown, and nothing waits for it.
        """
        ...

    def reset(self, turn: int) -> None:
        """Another turn begins: forget what was carried from tick to tick."""
        ...

    def close(self) -> None:
        """Release what it holds; never raises."""
        ...
