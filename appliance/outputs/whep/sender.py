"""What aiortc's sender lacks for packets that others encode: true times, and key frames on demand.

Its sender reports say that a packet's RTP time is the moment at which it happened to be sent
(RFC 3550, 6.4.1 asks for the same instant in both). Sound and picture come out of their encoders
after different times, and a player would put them apart by the difference. And its answer to a
lost picture is to ask its own encoder for a key frame, which is not in use.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import aiortc
from aiortc import RTCRtpSender
from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket

from appliance.errors import MissingDependency

RATES = {"video": 90_000, "audio": 48_000}
"""Ticks a second of the RTP clocks."""

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_SECOND = 1_000_000_000
# Wall clock minus ours, once: were the wall clock set meanwhile, sound and picture would be apart
# until both had sent another report.
_AHEAD = time.time_ns() - time.monotonic_ns()
_NEEDED = ("_next_encoded_frame", "_send_rtcp", "_handle_rtcp_packet", "_send_keyframe")


def ticks(pts: int, kind: str) -> int:
    """A time on the appliance's clock, nanoseconds, on the RTP clock of a kind, without wrap."""
    return pts * RATES[kind] // _SECOND


def ntp(now: int) -> int:
    """A time on the appliance's clock, nanoseconds, as NTP's 64 bits (RFC 3550, section 4)."""
    wall = now + _AHEAD
    return ((wall // _SECOND + _NTP_EPOCH) << 32) | ((wall % _SECOND << 32) // _SECOND)


def check() -> None:
    """Raises MissingDependency when aiortc is not one that can be put right."""
    missing = [name for name in _NEEDED if not callable(getattr(RTCRtpSender, name, None))]
    if missing:
        raise MissingDependency(
            f"aiortc {aiortc.__version__} has no RTCRtpSender.{missing[0]}; install one that has "
            "been tried: pip install 'aiortc>=1.14,<1.17'"
        )


class Corrections:
    """Corrects one sender, whose track gives packets timed by ``ticks``."""

    def __init__(
        self, sender: RTCRtpSender, heard: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        """``heard`` is called for each report of the receiver.

        ``lost`` when it cannot go on without a key frame (PLI and FIR, RFC 4585 and RFC 5104).
        """
        self._kind, self._heard = sender.kind, heard
        self._next, self._send = sender._next_encoded_frame, sender._send_rtcp
        self._handle = sender._handle_rtcp_packet
        # The RTP time of the last frame, without the sender's random origin; and while the sender
        # waits for the next, so that its reports name this one.
        self._last: int | None = None
        self._waiting: int | None = None
        self._origin: int | None = None
        sender._next_encoded_frame = self.next_frame  # type: ignore[method-assign]
        sender._send_rtcp = self.send  # type: ignore[method-assign]
        sender._handle_rtcp_packet = self.handle  # type: ignore[method-assign]
        sender._send_keyframe = lost  # type: ignore[method-assign]

    async def next_frame(self, codec: Any) -> Any:
        """In place of ``_next_encoded_frame``."""
        self._waiting = self._last
        frame = await self._next(codec)
        self._waiting = None
        if frame is not None:
            self._last = frame.timestamp
        return frame

    async def send(self, packets: list[Any]) -> None:
        """In place of ``_send_rtcp``."""
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                self._correct(packet)
        await self._send(packets)

    def _correct(self, report: RtcpSrPacket) -> None:
        info = report.sender_info
        if self._origin is None and self._waiting is not None and info.packet_count:
            self._origin = info.rtp_timestamp - self._waiting
        if self._origin is not None:
            now = time.monotonic_ns()
            report.sender_info = RtcpSenderInfo(
                ntp_timestamp=ntp(now),
                rtp_timestamp=(self._origin + ticks(now, self._kind)) & 0xFFFFFFFF,
                packet_count=info.packet_count,
                octet_count=info.octet_count,
            )

    async def handle(self, packet: Any) -> None:
        """In place of ``_handle_rtcp_packet``."""
        self._heard()
        await self._handle(packet)
