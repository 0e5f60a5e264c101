"""One viewer: its connection, from its offer to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from appliance.outputs.whep.offer import NoPlace, Offer, OfferError
from appliance.outputs.whep.sender import Corrections
from appliance.outputs.whep.track import PacketTrack

CONNECT_S = 10.0
"""How long a viewer has from our answer until its packets may be sent."""
VANISHED_S = 15.0
"""A viewer of whom nothing was heard for so long is gone; players report every 1 to 7 s."""
KEY_EVERY_S = 1.0
"""A viewer may have a key frame made so often; each costs all of them bits."""
CLOSE_S = 5.0

log = structlog.get_logger(__name__)


class Viewer:
    """Use in the loop only.

    Attributes:
        identity: the last part of its address.
        video, audio: what it is sent; audio is None if it did not ask for sound.
    """

    def __init__(self, identity: str, offer: Offer, key_wanted: Callable[[], None]) -> None:
        """``key_wanted`` is called when it cannot go on without a key frame."""
        self.identity = identity
        self._offer, self._force = offer, key_wanted
        self._forced = float("-inf")
        self.video = PacketTrack("video", key_wanted)
        self.audio = PacketTrack("audio", key_wanted) if offer.sound else None
        # Candidates of this machine's own addresses only: the library's default asks a server
        # of a stranger where we are.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._began = self._heard = time.monotonic()
        self._corrections: list[Corrections] = []
        self._transports: list[Any] = []

    async def answer(self) -> str:
        """The answer to its offer. Raises OfferError or NoPlace; ``close`` it then, too."""
        try:
            self._add(self.video, ("video/h264", "video/rtx"))
            if self.audio is not None:
                self._add(self.audio, ("audio/opus",))
            await self._peer.setRemoteDescription(RTCSessionDescription(self._offer.sdp, "offer"))
            self._mend()
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except Exception as error:
            # The library takes SDP apart with assertions and subscripts: whatever is wrong in it
            # comes as any exception.
            log.debug("an offer that cannot be read", why=repr(error)[:200])
            raise OfferError(
                "the offer cannot be used: it is not the SDP of a player that receives H.264 "
                f"(packetization-mode=1) over ICE and DTLS ({type(error).__name__}: "
                f"{str(error)[:100]})"
            ) from error
        self._began = self._heard = time.monotonic()
        sdp = str(self._peer.localDescription.sdp)
        if "a=candidate:" not in sdp:
            raise NoPlace(
                "this machine has no network address but loopback, which WebRTC does not use; "
                "watch /api/preview instead, or connect it to a network"
            )
        return _stereo(sdp)

    def _mend(self) -> None:
        """Give back transports that the library has lost, so that it can be closed.

        Raises ValueError if it had to: sections were bundled with one that is not there.
        """
        lost = False
        pairs = zip(self._peer.getTransceivers(), self._transports, strict=False)
        for transceiver, transport in pairs:
            now: object = transceiver.sender.transport
            if now is None:
                lost = True
                transceiver.sender.setTransport(transport)
                transceiver.receiver.setTransport(transport)
        if lost:
            raise ValueError("a=group:BUNDLE names a section that is not there")

    def _add(self, track: PacketTrack, wanted: tuple[str, ...]) -> None:
        transceiver: RTCRtpTransceiver = self._peer.addTransceiver(track, direction="sendonly")
        self._transports.append(transceiver.sender.transport)
        codecs = RTCRtpSender.getCapabilities(track.kind).codecs
        transceiver.setCodecPreferences([c for c in codecs if c.mimeType.lower() in wanted])
        self._corrections.append(Corrections(transceiver.sender, self._on_report, self._on_loss))

    def put(self, kind: str, packet: Any) -> None:
        """Send a packet (``av.Packet``), timed by ``sender.ticks``; never waits."""
        track = self.video if kind == "video" else self.audio
        if track is not None:
            track.put(packet)

    @property
    def watching(self) -> bool:
        """Whether packets are being sent to it."""
        return self.video.begun

    def over(self, now: float) -> str | None:
        """Why it is to be let go; None if it is not."""
        state = self._peer.connectionState
        if state in ("failed", "closed"):
            return f"its connection has {'failed' if state == 'failed' else 'ended'}"
        if state != "connected":
            if now - self._began > CONNECT_S:
                return f"it did not connect within {CONNECT_S:g} s"
        elif now - self._heard > VANISHED_S:
            return f"nothing was heard of it for {VANISHED_S:g} s"
        return None

    async def close(self) -> None:
        """End it; within some seconds."""
        for track in (self.video, self.audio):
            if track is not None:
                track.stop()
        try:
            await asyncio.wait_for(self._end(), CLOSE_S)
        except asyncio.TimeoutError:
            log.warning("a viewer's connection does not close; left behind", viewer=self.identity)
        self._corrections.clear()

    async def _end(self) -> None:
        try:
            await self._peer.close()
        except Exception as error:  # noqa: BLE001  it has been confused by an offer, see ``answer``
            log.debug("a viewer's connection does not close well", why=repr(error)[:200])
        # Whatever it thinks it has, these are the sockets that were opened.
        for transport in self._transports:
            await transport.stop()
            await transport.transport.stop()

    def _on_report(self) -> None:
        self._heard = time.monotonic()

    def _on_loss(self) -> None:
        now = time.monotonic()
        if now - self._forced >= KEY_EVERY_S:
            self._forced = now
            self._force()


def _stereo(sdp: str) -> str:
    """The answer with the word that the sound has two channels (RFC 7587, 6.1), which aiortc drops.

    A receiver that is not told would mix them into one.
    """
    lines = []
    for line in sdp.split("\r\n"):
        lines.append(line)
        kind, _, codec = line.removeprefix("a=rtpmap:").partition(" ")
        if codec.lower().startswith("opus/"):
            lines.append(f"a=fmtp:{kind} minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1")
    return "\r\n".join(lines)
