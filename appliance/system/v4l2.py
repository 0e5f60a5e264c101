"""What V4L2 devices say of themselves: capabilities, formats, sizes, rates.

Asked with ioctls on a freshly opened node; no stream is started, so a camera's light stays off and
a program that is using it is not disturbed. Structures and numbers: linux/videodev2.h.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

Ioctl = Callable[[int, int, bytearray], int]


def _code(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_FORMAT = struct.Struct("=III32sI16x")
_SIZE = struct.Struct("=III6I8x")
_INTERVAL = struct.Struct("=IIIII6I8x")
_QUERYCAP = _code(2, 0, _CAPABILITY.size)
_ENUM_FMT = _code(3, 2, _FORMAT.size)
_ENUM_FRAMESIZES = _code(3, 74, _SIZE.size)
_ENUM_FRAMEINTERVALS = _code(3, 75, _INTERVAL.size)

_CAPTURE, _OUTPUT, _CAPTURE_MPLANE, _OUTPUT_MPLANE = 0x1, 0x2, 0x1000, 0x2000
_M2M, _M2M_MPLANE, _DEVICE_CAPS = 0x8000, 0x4000, 0x8000_0000
_DISCRETE = 1
# No driver lists more; one that never says "no more" must not keep us.
_MOST = 40


@dataclass(frozen=True, slots=True)
class Mode:
    """One picture format of a camera: FOURCC, size in pixels, rates in frames a second.

    ``stepwise`` is True where the driver takes any size up to this one.
    """

    fourcc: str
    width: int
    height: int
    rates: tuple[float, ...]
    stepwise: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """One /dev/videoN: its names, and what it can do."""

    path: Path
    card: str
    driver: str
    bus: str
    capture: bool
    output: bool
    modes: tuple[Mode, ...] = ()

    @property
    def loopback(self) -> bool:
        """True for a v4l2loopback device."""
        return "loopback" in self.driver.lower()


def _ioctl(descriptor: int, request: int, data: bytearray) -> int:
    return int(fcntl.ioctl(descriptor, request, data, True))


def nodes(folder: Path = Path("/dev")) -> list[Path]:
    """The video device nodes, in the order of their numbers."""
    found = [path for path in folder.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return sorted(found, key=lambda path: int(path.name[5:]))


def query(path: Path, ioctl: Ioctl = _ioctl) -> Device:
    """What a device says of itself. Raises OSError when it cannot be opened or is not V4L2."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = bytearray(_CAPABILITY.size)
        ioctl(descriptor, _QUERYCAP, data)
        driver, card, bus, _, whole, own = _CAPABILITY.unpack(data)
        flags = own if whole & _DEVICE_CAPS else whole
        codec = bool(flags & (_M2M | _M2M_MPLANE))
        capture = not codec and bool(flags & (_CAPTURE | _CAPTURE_MPLANE))
        output = not codec and bool(flags & (_OUTPUT | _OUTPUT_MPLANE))
        kind = 9 if flags & _CAPTURE_MPLANE else 1
        modes = tuple(_modes(descriptor, kind, ioctl)) if capture else ()
        return Device(path, _text(card), _text(driver), _text(bus), capture, output, modes)
    finally:
        os.close(descriptor)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _enumerate(
    descriptor: int, request: int, layout: struct.Struct, fixed: tuple[int, ...], ioctl: Ioctl
) -> Iterator[tuple[Any, ...]]:
    """The entries of one ENUM ioctl; ``fixed`` are the fields behind the index."""
    for index in range(_MOST):
        data = bytearray(layout.size)
        struct.pack_into(f"={1 + len(fixed)}I", data, 0, index, *fixed)
        try:
            ioctl(descriptor, request, data)
        except OSError:  # EINVAL: no more; ENOTTY: the driver does not list them
            return
        yield layout.unpack(data)


def _modes(descriptor: int, kind: int, ioctl: Ioctl) -> Iterator[Mode]:
    for _, _, _, _, pixels in _enumerate(descriptor, _ENUM_FMT, _FORMAT, (kind,), ioctl):
        fourcc = _text(struct.pack("=I", pixels & 0x7FFF_FFFF))
        for found in _enumerate(descriptor, _ENUM_FRAMESIZES, _SIZE, (pixels,), ioctl):
            _, _, how, *numbers = found
            discrete = how == _DISCRETE
            width, height = (numbers[0], numbers[1]) if discrete else (numbers[1], numbers[4])
            rates = tuple(_rates(descriptor, pixels, width, height, ioctl))
            yield Mode(fourcc, width, height, rates, not discrete)


def _rates(descriptor: int, code: int, width: int, height: int, ioctl: Ioctl) -> Iterator[float]:
    fixed = (code, width, height)
    for found in _enumerate(descriptor, _ENUM_FRAMEINTERVALS, _INTERVAL, fixed, ioctl):
        # Discrete: one interval; stepwise: the shortest comes first. A rate is its inverse.
        numerator, denominator = found[5], found[6]
        if numerator:
            yield round(float(Fraction(denominator, numerator)), 3)
