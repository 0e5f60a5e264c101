"""WAV files of each kind, made by hand."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from appliance.voices.base import Speech


def header(code: int, channels: int, rate: int, bits: int, size: int, tail: bytes = b"") -> bytes:
    """All of a WAV up to its samples; ``tail`` goes into the format chunk."""
    frame = channels * bits // 8
    fmt = struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits) + tail
    chunk = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    head = chunk + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", min(4 + len(head) + size, 0xFFFFFFFF)) + b"WAVE" + head


def wav(code: int, channels: int, rate: int, bits: int, data: bytes, tail: bytes = b"") -> bytes:
    return header(code, channels, rate, bits, len(data), tail) + data


def wav16(pcm: NDArray[np.int16], rate: int) -> bytes:
    return wav(1, 1, rate, 16, pcm.astype("<i2").tobytes())


def wav_of(speech: Speech) -> bytes:
    return wav16(speech.pcm, speech.rate)
