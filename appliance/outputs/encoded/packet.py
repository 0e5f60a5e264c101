"""What encoders give out: a picture or a piece of sound, encoded, at its time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from appliance.media.gst import Gst

Kind = Literal["video", "sound"]


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded picture, or a piece of encoded sound; shared by all who take it, so read-only.

    Attributes:
        kind: which of the two.
        buffer: the bytes: one access unit of H.264 with its lengths in front (``avc``), or one
            frame of Opus or raw AAC. Its own times mean nothing.
        caps: what the bytes are, with ``codec_data``; the same object until it changes.
        pts: when it is shown or heard, nanoseconds, on the clock that frames have theirs on.
        duration: how long, nanoseconds.
        key: whether a decoder can begin here; every piece of sound is.
    """

    kind: Kind
    buffer: Any
    caps: Any
    pts: int
    duration: int
    key: bool

    @property
    def data(self) -> bytes:
        """A copy of the bytes."""
        return bytes(self.buffer.extract_dup(0, self.buffer.get_size()))

    def at(self, pts: int, duration: int | None = None) -> Any:
        """A buffer over the same memory with another time, for an appsrc."""
        flags = Gst.BufferCopyFlags
        buffer = self.buffer.copy_region(flags.FLAGS | flags.MEMORY, 0, self.buffer.get_size())
        buffer.pts = buffer.dts = pts
        buffer.duration = self.duration if duration is None else duration
        return buffer


Deliver = Callable[[Packet], None]
"""Takes a packet in an encoder's own thread, in order; must not block for long, nor raise."""


class GivesPackets:
    """Something that packets come out of, and those who take them.

    Attributes:
        users: how many hold it; counted by whoever hands it out.
    """

    def __init__(self) -> None:
        self.users = 0
        # Replaced, never mutated: read in the encoder's thread.
        self._takers: tuple[Deliver, ...] = ()
        self._changing = threading.Lock()

    def add(self, deliver: Deliver) -> None:
        """From the next packet on, hand them to ``deliver`` too."""
        with self._changing:
            self._takers = (*self._takers, deliver)

    def remove(self, deliver: Deliver) -> None:
        """Hand no more packets to ``deliver``; one may be on its way still."""
        with self._changing:
            self._takers = tuple(item for item in self._takers if item != deliver)

    def give(self, packet: Packet) -> None:
        """Hand a packet to all who take them."""
        for deliver in self._takers:
            deliver(packet)
