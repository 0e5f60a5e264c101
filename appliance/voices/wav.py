"""Reads WAV files of each kind into one channel; whatever the file claims, memory stays bounded."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.errors import InputError
from appliance.voices.trim import F32

MOST_SECONDS = 600
MOST_BYTES = 256 << 20
RATES = range(8_000, 192_001)
MOST_CHANNELS = 32

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_KINDS = {
    (_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64), (_ALAW, 8),
    (_MULAW, 8),
}  # fmt: skip
_CHUNK = 1 << 18
_OTHERS = {
    b"ID3": "an MP3", b"\xff\xfb": "an MP3", b"OggS": "an Ogg file", b"fLaC": "a FLAC file",
    b"RIFX": "a WAV of the other byte order", b"RF64": "an RF64 file", b"FORM": "an AIFF file",
    b"\x1aE\xdf\xa3": "a WebM or Matroska file",
}  # fmt: skip
_CONVERT = "convert it, for example: ffmpeg -i FILE -c:a pcm_s16le speech.wav"


@dataclass(frozen=True, slots=True)
class WavSound:
    """A WAV's sound.

    Attributes:
        samples: float32 (count,), the mean of all channels, full scale 1.
        rate: samples a second, 8,000 to 192,000.
        cut_short: the file ends before the end that its header announces.
    """

    samples: F32
    rate: int
    cut_short: bool

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class _Kind:
    code: int
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        return self.channels * self.bits // 8


def read_wav(data: bytes | bytearray | memoryview) -> WavSound:
    """The sound of a WAV: 8, 16, 24, 32 bits, float, A-law or mu-law, 1 to 32 channels.

    Raises InputError, with what was found and what to do, for what is no such file, has no sample,
    or lasts longer than ten minutes.
    """
    view = memoryview(data)
    if len(view) > MOST_BYTES:
        raise InputError(
            f"the WAV has {len(view) / 1e6:.0f} MB; expected at most {MOST_BYTES / 1e6:.0f} MB"
        )
    kind, sound, announced = _chunks(view)
    count = len(sound) // kind.frame
    if count == 0:
        raise InputError("the WAV has no sound in it: its header is there, but not one sample")
    if count > MOST_SECONDS * kind.rate:
        raise InputError(
            f"the WAV lasts {count / kind.rate:.0f} s; expected at most {MOST_SECONDS} s: cut it"
        )
    samples = np.empty(count, np.float32)
    for at in range(0, count, _CHUNK):
        until = min(count, at + _CHUNK)
        part = sound[at * kind.frame : until * kind.frame]
        samples[at:until] = _decoded(part, kind).reshape(-1, kind.channels).mean(axis=1)
    if not np.isfinite(samples).all():
        np.nan_to_num(samples, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
    return WavSound(samples, kind.rate, announced > len(sound))


def _chunks(view: memoryview) -> tuple[_Kind, memoryview, int]:
    """Its kind, its samples, and how many bytes of them the header announces."""
    start = bytes(view[:12])
    if len(start) < 12 or start[:4] != b"RIFF" or start[8:] != b"WAVE":
        what = next((name for mark, name in _OTHERS.items() if start.startswith(mark)), None)
        what = what or ("nothing" if not start else f"{start[:8]!r} at its beginning")
        raise InputError(f"found {what}; expected a WAV file (RIFF/WAVE): {_CONVERT}")
    at, kind = 12, None
    while at + 8 <= len(view):
        name, size = struct.unpack_from("<4sI", view, at)
        body = view[at + 8 : at + 8 + size]
        if name == b"fmt ":
            kind = _format(body)
        elif name == b"data":
            if kind is None:
                raise InputError(f"the WAV has sound before it says of what kind; {_CONVERT}")
            # Whoever streams does not know the length, and writes 0 or all ones.
            open_end = size in (0, 0xFFFFFFFF, 0x7FFFFFFF)
            return kind, view[at + 8 :] if open_end else body, 0 if open_end else size
        at += 8 + size + size % 2
    if kind is None:
        raise InputError("the WAV ends before it says of what kind it is: it was cut off")
    raise InputError("the WAV ends before its sound: it was cut off, or there is none")


def _format(body: memoryview) -> _Kind:
    if len(body) < 16:
        raise InputError("the WAV ends before it says of what kind it is: it was cut off")
    code, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", body)
    if code == _EXTENSIBLE and len(body) >= 26:
        code = struct.unpack_from("<H", body, 24)[0]
    if (code, bits) not in _KINDS:
        raise InputError(
            f"the WAV has samples of the kind {code} with {bits} bits; expected PCM of 8, 16, 24 "
            f"or 32 bits, float, A-law or mu-law: {_CONVERT}"
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise InputError(f"the WAV has {channels} channels; expected 1 to {MOST_CHANNELS}")
    if rate not in RATES:
        raise InputError(
            f"the WAV has {rate} samples a second; expected {RATES[0]} to {RATES[-1]}: {_CONVERT}"
        )
    kind = _Kind(code, channels, rate, bits)
    if align != kind.frame:
        raise InputError(
            f"the WAV says {align} bytes a frame for {channels} channels of {bits} bits; expected "
            f"{kind.frame}: {_CONVERT}"
        )
    return kind


def _decoded(part: memoryview, kind: _Kind) -> NDArray[np.float32]:
    match kind.code, kind.bits:
        case 1, 8:
            return (np.frombuffer(part, np.uint8).astype(np.float32) - 128) / np.float32(128)
        case 1, 16:
            return np.frombuffer(part, "<i2").astype(np.float32) / np.float32(1 << 15)
        case 1, 24:
            three = np.frombuffer(part, np.uint8).reshape(-1, 3)
            whole = np.zeros((len(three), 4), np.uint8)
            whole[:, 1:] = three
            return whole.reshape(-1).view("<i4").astype(np.float32) / np.float32(1 << 31)
        case 1, _:
            return np.frombuffer(part, "<i4").astype(np.float32) / np.float32(1 << 31)
        case 3, 32:
            return np.frombuffer(part, "<f4").astype(np.float32)
        case 3, _:
            with np.errstate(over="ignore"):
                return np.frombuffer(part, "<f8").astype(np.float32)
        case 6, _:
            return _ALAW_VALUES[np.frombuffer(part, np.uint8)]
        case _:
            return _MULAW_VALUES[np.frombuffer(part, np.uint8)]


def _mulaw() -> F32:
    """ITU-T G.711, mu-law."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return (np.where(code & 0x80, -size, size) / 32768).astype(np.float32)


def _alaw() -> F32:
    """ITU-T G.711, A-law."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    step, low = (code & 0x70) >> 4, (code & 0x0F) << 4
    size = np.where(step == 0, low + 8, (low + 0x108) << np.maximum(step - 1, 0))
    return (np.where(code & 0x80, size, -size) / 32768).astype(np.float32)


_MULAW_VALUES, _ALAW_VALUES = _mulaw(), _alaw()
