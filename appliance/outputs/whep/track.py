"""What waits for one viewer: encoded packets in the form that aiortc's senders take."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

# Half a second of pictures, one of sound: only a loop without time lets so many wait.
_MOST: dict[str, int] = {"video": 15, "audio": 50}


class PacketTrack(MediaStreamTrack):
    """Packets of one kind for one sender. Use in the loop only.

    Attributes:
        kind: ``video`` or ``audio``.
        dropped: pictures left out because too many waited, or up to the next key frame.
        begun: whether the sender has asked for its first packet.
    """

    def __init__(self, kind: Literal["video", "audio"], key_wanted: Callable[[], None]) -> None:
        """``key_wanted`` is called when only a key frame can go on."""
        super().__init__()
        self.kind = kind
        self.dropped = 0
        self.begun = False
        self._packets: deque[Any] = deque()
        self._more = asyncio.Event()
        self._skipping = kind == "video"
        self._key_wanted = key_wanted

    def put(self, packet: Any) -> None:
        """Add a packet (``av.Packet``); nothing is kept before the sender has begun."""
        if not self.begun:
            return
        if len(self._packets) >= _MOST[self.kind]:
            self.cut()
        if self._skipping and not packet.is_keyframe:
            self.dropped += 1
            return
        self._skipping = False
        self._packets.append(packet)
        self._more.set()

    def cut(self) -> None:
        """Drop what waits: a decoder goes on at the next key frame."""
        if self.kind == "video":
            self.dropped += len(self._packets)
            self._skipping = True
            if self.begun:
                self._key_wanted()
        self._packets.clear()

    async def recv(self) -> Any:
        """The next packet. Raises MediaStreamError once the track is stopped."""
        if not self.begun:
            self.begun = True
            if self.kind == "video":
                self._key_wanted()
        while not self._packets:
            if self.readyState != "live":
                raise MediaStreamError
            self._more.clear()
            await self._more.wait()
        return self._packets.popleft()

    def stop(self) -> None:
        """End it, and let go of what waits."""
        super().stop()
        self._packets.clear()
        self._more.set()
