"""What an output is: anything that opens for a format, takes frames and closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from appliance.config.settings import OutputSettings, RtspSettings
from appliance.media.frame import Format, Frame


class Output(Protocol):
    """One way out. ``write`` is called from one thread of its own, never the pipeline's.

    Attributes:
        uri: the address, without passwords. After ``open`` it is the one in use: an RTSP output
            asked for port 0 names the port that it got.
        dropped: frames that ``write`` took over and that never left, because an encoder or a
            screen was behind. Rises only; kept over ``close`` and ``open``.
    """

    uri: str
    dropped: int

    def open(self, format: Format) -> None:
        """Get ready for frames of ``format``. Raises InputError or OutputError."""
        ...

    def write(self, frame: Frame) -> None:
        """Send one frame; returns within 1 s. Raises OutputError when the output broke.

        The frame's memory may be kept by reference (``frame.owner``) until it has been sent.
        """
        ...

    def close(self) -> None:
        """Finish (a file gets its index) and release; may be called twice; within 3 s."""
        ...

    def clients(self) -> int:
        """Readers connected now; 0 or 1 where the notion does not apply."""
        ...


@runtime_checkable
class ReadByMany(Protocol):
    """An output that decides who may read it, and keeps its readers when it encodes otherwise."""

    def use_rtsp(self, rtsp: RtspSettings) -> None:
        """Other rules for readers, while running. Raises InputError; nothing has changed then."""
        ...

    def prepare_video(self, output: OutputSettings) -> Callable[[], None]:
        """See that another encoder, bit rate or key frame distance can be had; the call uses it.

        Raises InputError or MissingDependency; nothing has changed then.
        """
        ...
