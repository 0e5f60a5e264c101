"""Encoded pictures in the other of H.264's two forms, for those who cannot take ours."""

from __future__ import annotations

from typing import Any

from appliance.outputs.encoded.packet import Packet

START = b"\0\0\0\1"


def annex_b(packet: Packet) -> bytes:
    """A picture with start codes (ITU-T H.264, Annex B), its parameter sets ahead of a key frame.

    Raises ValueError when the bytes are not what the caps say.
    """
    data, units = packet.data, []
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        unit = data[at + 4 : at + 4 + size]
        if not size or len(unit) < size:
            raise ValueError(
                f"a unit of {size} bytes at {at} of {len(data)}: not H.264 in avc form"
            )
        units.append(unit)
        at += 4 + size
    if packet.key and not any(unit[0] & 31 == 7 for unit in units):
        units = [*parameter_sets(packet.caps), *units]
    return b"".join(START + unit for unit in units)


def parameter_sets(caps: Any) -> list[bytes]:
    """The sequence and picture parameter sets in ``codec_data`` (ISO/IEC 14496-15, 5.3.3.1)."""
    buffer = caps.get_structure(0).get_value("codec_data")
    record = bytes(buffer.extract_dup(0, buffer.get_size()))
    sets, at = [], 5
    for _ in range(2):
        count, at = record[at] & 31, at + 1
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            sets.append(record[at + 2 : at + 2 + size])
            at += 2 + size
    return sets
