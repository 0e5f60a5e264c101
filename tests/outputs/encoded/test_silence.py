"""Silence in place of sound that does not come: whole packets of it, and none is missing."""

from __future__ import annotations

import threading

from appliance.media.audio import RATE, position
from appliance.outputs.encoded.audio import AudioEncoder, AudioKey
from appliance.outputs.encoded.packet import Packet

FPS, PICTURES = 60, 120


def test_the_encoder_is_woken_for_whole_packets_and_gets_all_of_the_silence() -> None:
    packets: list[Packet] = []
    came = threading.Condition()

    def take(packet: Packet) -> None:
        with came:
            packets.append(packet)
            came.notify_all()

    encoder = AudioEncoder(AudioKey("opus"))
    pushed: list[int] = []
    push = encoder._source.push_buffer

    class Counted:
        """Stands in for the appsrc."""

        end_of_stream = encoder._source.end_of_stream

        def push_buffer(self, buffer: object) -> None:
            pushed.append(buffer.get_size() // 4)  # type: ignore[attr-defined]
            push(buffer)

    encoder._source = Counted()
    try:
        encoder.add(take)
        for picture in range(PICTURES + 1):
            encoder.fill(picture * 1_000_000_000 // FPS, 0)
        # Of two seconds, all but what does not make a packet.
        with came:
            assert came.wait_for(lambda: len(packets) >= 99, 10)
    finally:
        encoder.stop()
    assert min(pushed) >= RATE // 50
    assert RATE * PICTURES // FPS - sum(pushed) < RATE // 50
    assert len(pushed) < 100 < PICTURES
    # But for the first, which Opus shortens by its own lead.
    times = [position(packet.pts) for packet in packets[1:]]
    assert times == list(range(times[0], times[0] + 960 * len(times), 960))
