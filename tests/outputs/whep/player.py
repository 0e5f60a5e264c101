"""A player by WHEP: aiortc as the other side, in a loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RtcpSrPacket

from appliance.outputs.whep.loop import LoopThread

LIMIT_S = 10.0


@dataclass
class Player:
    """One that watches. Use ``call`` to do things in its loop."""

    thread: LoopThread
    peer: RTCPeerConnection
    frames: list[tuple[float, Any]] = field(default_factory=list)
    """Decoded pictures, and the time that each has by its RTP clock, in seconds."""
    sounds: list[Any] = field(default_factory=list)
    reports: dict[str, list[Any]] = field(default_factory=dict)
    """The sender's reports, by kind."""
    first: dict[str, int] = field(default_factory=dict)

    def offer(self) -> bytes:
        """The SDP to send."""
        return str(self.peer.localDescription.sdp).encode()

    def connect(self, answer: str) -> None:
        """Take the answer."""
        self.thread.call(
            self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer")), LIMIT_S
        )

    def close(self) -> None:
        """Leave, in good form."""
        self.thread.call(self.peer.close(), LIMIT_S)

    def lose(self) -> None:
        """Say that a picture is lost (PLI)."""

        async def send() -> None:
            for transceiver in self.peer.getTransceivers():
                if transceiver.kind == "video":
                    receiver = transceiver.receiver
                    [ssrc] = receiver._RTCRtpReceiver__remote_streams
                    await receiver._send_rtcp_pli(ssrc)

        self.thread.call(send(), LIMIT_S)


async def _player(thread: LoopThread, kinds: tuple[str, ...], codecs: str) -> Player:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    player = Player(thread, peer)
    tasks = set()

    async def pull(track: Any, into: Callable[[Any], None]) -> None:
        with contextlib.suppress(Exception):  # it ends with an error of its own
            while True:
                into(await track.recv())

    def on_track(track: Any) -> None:
        video = track.kind == "video"
        into = (lambda f: player.frames.append((f.time, f))) if video else player.sounds.append
        tasks.add(asyncio.ensure_future(pull(track, into)))

    peer.on("track", on_track)
    peer.tasks = tasks
    for kind in kinds:
        transceiver = peer.addTransceiver(kind, direction="recvonly")
        if kind == "video":
            all_codecs = RTCRtpReceiver.getCapabilities(kind).codecs
            chosen = [c for c in all_codecs if codecs in c.mimeType or "rtx" in c.mimeType]
            transceiver.setCodecPreferences(chosen)
        inner = transceiver.receiver._handle_rtcp_packet

        async def handle(packet: Any, kind: str = kind, inner: Any = inner) -> None:
            if isinstance(packet, RtcpSrPacket):
                player.reports.setdefault(kind, []).append((time.time(), packet.sender_info))
            await inner(packet)

        transceiver.receiver._handle_rtcp_packet = handle
    await peer.setLocalDescription(await peer.createOffer())
    return player


@contextlib.contextmanager
def players() -> Iterator[Callable[..., Player]]:
    """Makes players: ``make(kinds, codecs)``; all of them end with it."""
    thread = LoopThread("players")
    made: list[Player] = []

    def make(kinds: tuple[str, ...] = ("video", "audio"), codecs: str = "H264") -> Player:
        made.append(thread.call(_player(thread, kinds, codecs), LIMIT_S))
        return made[-1]

    try:
        yield make
    finally:
        for player in made:
            player.close()
        assert thread.stop(LIMIT_S)
