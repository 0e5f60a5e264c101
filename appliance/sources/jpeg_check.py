"""Damaged JPEG pictures (a camera's cable, a lost packet), found before they are decoded.

libjpeg makes a picture of whatever it gets: what is missing is grey, what follows an error has the
wrong colours, and nothing tells. Damage nearly always ends the decoding of its codes early or late,
or at a code that does not exist; so the codes are walked through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from appliance.media.gst import Gst, MappedBuffer

log = structlog.get_logger(__name__)

JPEG_DECODERS = ("jpegdec", "avdec_mjpeg", "nvjpegdec", "nvjpegdec0", "nvv4l2jpegdec", "vajpegdec")
"""Before which a check may stand: by libjpeg, FFmpeg, NVIDIA, a Jetson, VA."""

_SOI, _SOS, _DHT, _DRI, _DQT, _EOI = 0xD8, 0xDA, 0xC4, 0xDD, 0xDB, 0xD9
# Baseline and extended, by Huffman codes (ITU-T T.81, table B.1); others are not looked into.
_SEQUENTIAL = (0xC0, 0xC1)


class JpegCheck:
    """Drops damaged pictures on their way into a decoder."""

    def __init__(self, name: str) -> None:
        """``name`` is the source's, for the log."""
        self._name = name
        self._told = False
        self._tables: dict[bytes, NDArray[np.uint16]] = {}

    def watch(self, decoder: Gst.Element) -> None:
        """Stand before a JPEG decoder that was just added."""
        decoder.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self._on_picture)

    def _on_picture(self, pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        if not _whole_pictures(pad):
            return Gst.PadProbeReturn.OK
        mapping = MappedBuffer(info.get_buffer())
        try:
            fault = self.fault(mapping.array)
        finally:
            mapping.unmap()
        if fault is None:
            self._told = False
            return Gst.PadProbeReturn.OK
        if not self._told:
            self._told = True
            log.warning("a damaged picture is left out", source=self._name, reason=fault)
        return Gst.PadProbeReturn.DROP

    def fault(self, data: NDArray[np.uint8]) -> str | None:
        """What is wrong with a JPEG picture, in words; None if nothing is, or it cannot be told."""
        from appliance.pixels.cpu.huffman import first_fault

        try:
            scan = _scan(data.tobytes())
        except (IndexError, KeyError, ValueError):
            return "its header is broken"
        if scan is None:
            return None
        kinds = [scan.codes[key] for pair in scan.blocks for key in pair]
        order = list(dict.fromkeys(kinds))
        tables = np.stack([self._table(codes) for codes in order])
        dc = np.array([order.index(scan.codes[pair[0]]) for pair in scan.blocks])
        ac = np.array([order.index(scan.codes[pair[1]]) for pair in scan.blocks])
        unit = first_fault(
            data[scan.start :].copy(), tables, dc, ac, np.array(scan.parts), np.array(scan.steps),
            scan.units, scan.interval,
        )  # fmt: skip
        return None if unit < 0 else f"broken after {unit} of its {scan.units} parts"

    def _table(self, codes: bytes) -> NDArray[np.uint16]:
        """What ``first_fault`` looks codes up in, for a DHT segment's 16 counts and values."""
        if codes not in self._tables:
            if len(self._tables) >= 16:
                self._tables.clear()
            table, code, at = np.zeros(65536, np.uint16), 0, 16
            for length in range(1, 17):
                for value in codes[at : at + codes[length - 1]]:
                    step = 1 << (16 - length)
                    table[code : code + step] = length << 8 | value
                    code += step
                at += codes[length - 1]
            self._tables[codes] = table
        return self._tables[codes]


@dataclass
class _Scan:
    start: int = 0
    units: int = 0
    interval: int = 0
    blocks: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)
    codes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    parts: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    quantisers: dict[int, int] = field(default_factory=dict)


def _scan(data: bytes) -> _Scan | None:
    """The header of a picture of one scan (ITU-T T.81, B.2); None for any other kind.

    Raises ValueError, IndexError or KeyError where it cannot be.
    """
    if data[:2] != bytes((0xFF, _SOI)):
        return None
    found, at = _Scan(), 2
    frame: bytes | None = None
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _EOI:
            raise ValueError("no picture")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker in _SEQUENTIAL:
            frame = body
        elif 0xC0 <= marker <= 0xCF and marker not in (_DHT, 0xC8, 0xCC):
            return None
        elif marker == _DHT:
            _take_codes(body, found)
        elif marker == _DQT:
            _take_steps(body, found)
        elif marker == _DRI:
            found.interval = int.from_bytes(body[:2], "big")
        elif marker == _SOS:
            break
    if frame is None:
        raise ValueError("no frame header")
    found.start = at
    return found if _lay_out(frame, body, found) else None


def _take_codes(body: bytes, found: _Scan) -> None:
    while body:
        count = 17 + sum(body[1:17])
        found.codes[(body[0] >> 4, body[0] & 15)] = body[1:count]
        body = body[count:]


def _take_steps(body: bytes, found: _Scan) -> None:
    """Of each quantisation table the first step, that of the mean."""
    while body:
        wide = body[0] >> 4
        found.quantisers[body[0] & 15] = int.from_bytes(body[1 : 2 + wide], "big")
        body = body[1 + 64 * (1 + wide) :]


def _lay_out(frame: bytes, scan: bytes, found: _Scan) -> bool:
    """Fill in the units and their blocks; False for several scans, or codes left to the reader."""
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    parts = {frame[6 + 3 * i]: frame[7 + 3 * i] for i in range(frame[5])}
    steps = {frame[6 + 3 * i]: frame[8 + 3 * i] for i in range(frame[5])}
    if not found.codes or scan[0] != len(parts):
        return False  # AVI's Motion JPEG may leave the usual codes out
    widest = max(sampling >> 4 for sampling in parts.values())
    tallest = max(sampling & 15 for sampling in parts.values())
    for index in range(scan[0]):
        part, tables = scan[1 + 2 * index], scan[2 + 2 * index]
        blocks = (parts[part] >> 4) * (parts[part] & 15) if len(parts) > 1 else 1
        found.blocks += [((0, tables >> 4), (1, tables & 15))] * blocks
        found.parts += [index] * blocks
        found.steps.append(found.quantisers[steps[part]])
    across, down = (8 * widest, 8 * tallest) if len(parts) > 1 else (8, 8)
    found.units = -(-width // across) * -(-height // down)
    return found.units > 0


def _whole_pictures(pad: Gst.Pad) -> bool:
    """Whether each buffer is a picture; what comes straight out of a file is any part of it."""
    peer = pad.get_peer()
    element: Any = peer.get_parent_element() if peer is not None else None
    factory = element.get_factory() if element is not None else None
    return factory is not None and factory.get_name() not in ("typefind", "filesrc")
