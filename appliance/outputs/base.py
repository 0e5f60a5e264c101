"""What an output is: anything that opens for a format, takes frames and closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from appliance.config.settings import OutputSettings, RtspSettings
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame


class Output(Protocol):
    """One way out. ``write`` is called from one thread of its own, never the pipeline's.

    Attributes:
        uri: the address, without passwords. After ``open`` it is the one in use: an RTSP output
            asked for port 0 names the port that it got.
        dropped: frames that ``write`` accepted but that never left, because an encoder or a
            screen was behind. Never falls, not even across ``close`` and ``open``.
    """

    uri: str
    dropped: int

    def open(self, format: Format) -> None:
        """Prepare for frames of ``format``. Raises InputError or OutputError."""
        ...

    def write(self, frame: Frame) -> None:
        """Send one frame; returns within 1 s. Raises OutputError when the output has failed.

        The output may hold a reference to the frame's memory (``frame.owner``) until it is sent.
        """
        ...

    def close(self) -> None:
        """Finish (a file gets its index) and release, within 3 s; may be called twice."""
        ...

    def clients(self) -> int:
        """Number of readers connected now; 0 or 1 where the notion does not apply."""
        ...


@runtime_checkable
class Hears(Protocol):
    """An output that takes sound, too."""

    def hear(self, sound: AudioBlock) -> None:
        """Take the next block; each joins on to the last. Called between two frames; never waits.

        Its times are on the frames' clock.
        """
        ...


@runtime_checkable
class TakesLossless(Protocol):
    """An output that can wait for its encoder, for files read as fast as possible.

    Attributes:
        lossless: whether it does, rather than drop frames; set before ``open``.
    """

    lossless: bool


@runtime_checkable
class Idles(Protocol):
    """An output that can say, between two frames, that the next would go nowhere.

    Attributes:
        idle: whether ``write`` and ``hear`` would have nothing to do. Asked for each frame, from
            any thread.
    """

    @property
    def idle(self) -> bool:
        """See above."""
        ...


@runtime_checkable
class Connects(Protocol):
    """An output that is open before it reaches anybody.

    Attributes:
        waits_for: what it waits for, in words ("connecting"); None once it is connected.
    """

    @property
    def waits_for(self) -> str | None:
        """See above."""
        ...

    def interrupt(self) -> None:
        """Have ``open`` give up, raising Closed; for good. Called from any thread."""
        ...


@runtime_checkable
class ReadByMany(Protocol):
    """An output that decides who may read it, and keeps its readers when its encoding changes."""

    def use_rtsp(self, rtsp: RtspSettings) -> None:
        """Change the rules for readers while running. Raises InputError, having changed nothing."""
        ...

    def prepare_video(self, output: OutputSettings) -> Callable[[], None]:
        """Check that a new encoder, bit rate or key frame interval works; the result applies it.

        Raises InputError or MissingDependency, having changed nothing.
        """
        ...
