"""A player by WHEP: aiortc as the other side, in a loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RtcpSrPacket

from appliance.outputs.whep.loop import LoopThread
from appliance.outputs.whep.sender import RATES

LIMIT_S = 10.0


@dataclass
class Player:
    """One that watches. Use ``call`` to do things in its loop."""

    thread: LoopThread
    peer: RTCPeerConnection
    frames: list[Any] = field(default_factory=list)
    """Decoded pictures, ``av.VideoFrame``."""
    sounds: list[Any] = field(default_factory=list)
    """Decoded pieces of sound, ``av.AudioFrame``."""
    reports: dict[str, list[Any]] = field(default_factory=dict)
    """The sender's reports, by kind."""
    first: dict[str, int] = field(default_factory=dict)
    """The RTP time of the first packet, by kind; frames count theirs from it."""
    tasks: list[Any] = field(default_factory=list)

    def when(self, kind: str, pts: int) -> float:
        """The sender's wall clock for a time of a frame, by its newest report, in seconds."""
        report = self.reports[kind][-1]
        ahead = (self.first[kind] + pts - report.rtp_timestamp) & 0xFFFFFFFF
        ahead -= (ahead >> 31) << 32
        return float(report.ntp_timestamp / 2**32 + ahead / RATES[kind])

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

    def silence(self) -> None:
        """Say nothing any more, as one whose cable was pulled."""

        async def silent(*_: Any) -> None:
            return

        async def hush() -> None:
            for transceiver in self.peer.getTransceivers():
                transport = transceiver.receiver.transport
                transport._send_rtp = silent  # type: ignore[method-assign]

        self.thread.call(hush(), LIMIT_S)

    def lose(self) -> None:
        """Say that a picture is lost (PLI)."""

        async def send() -> None:
            for transceiver in self.peer.getTransceivers():
                if transceiver.kind == "video":
                    receiver = transceiver.receiver
                    streams: Any = receiver._RTCRtpReceiver__remote_streams
                    await receiver._send_rtcp_pli(next(iter(streams)))

        self.thread.call(send(), LIMIT_S)


async def _player(thread: LoopThread, kinds: tuple[str, ...], codecs: str) -> Player:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    player = Player(thread, peer)

    async def pull(track: Any, into: Callable[[Any], None]) -> None:
        with contextlib.suppress(Exception):  # it ends with an error of its own
            while True:
                into(await track.recv())

    def on_track(track: Any) -> None:
        into = (player.frames if track.kind == "video" else player.sounds).append
        player.tasks.append(asyncio.ensure_future(pull(track, into)))

    peer.on("track", on_track)
    for kind in kinds:
        transceiver = peer.addTransceiver(kind, direction="recvonly")
        if kind == "video":
            all_codecs = RTCRtpReceiver.getCapabilities(kind).codecs
            chosen = [c for c in all_codecs if codecs in c.mimeType or "rtx" in c.mimeType]
            transceiver.setCodecPreferences(chosen)
        _note(player, kind, transceiver.receiver)
    await peer.setLocalDescription(await peer.createOffer())
    return player


def _note(player: Player, kind: str, receiver: RTCRtpReceiver) -> None:
    """Have a receiver's packets noted as they come."""
    take_report, take_packet = receiver._handle_rtcp_packet, receiver._handle_rtp_packet

    async def report(packet: Any) -> None:
        if isinstance(packet, RtcpSrPacket) and packet.sender_info.packet_count:
            player.reports.setdefault(kind, []).append(packet.sender_info)
        await take_report(packet)

    async def packet(packet: Any, arrival_time_ms: int) -> None:
        player.first.setdefault(kind, packet.timestamp)
        await take_packet(packet, arrival_time_ms)

    receiver._handle_rtcp_packet = report  # type: ignore[method-assign]
    receiver._handle_rtp_packet = packet  # type: ignore[method-assign]


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
