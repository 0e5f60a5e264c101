"""A copy of the learnt room, for others than the stage, and the file that one is kept in."""

from __future__ import annotations

import io
import math
import os
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from appliance.errors import InputError
from appliance.media.frame import F32, U8, Colour, Format, Frame
from appliance.pixels.cpu.plate import KNOWN, Plate, cell_of
from appliance.pixels.cpu.plate_light import MAP, RoomLight

_VERSION = 1
# Names, headers and the source's address, beside the arrays themselves.
_MOST_WORDS = 64 * 1024
_UNREADABLE = (
    ValueError, KeyError, EOFError, SyntaxError, MemoryError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class UnusableRoom(InputError):
    """A kept room cannot be used; the message says why. ``foreign``: it is another source's."""

    foreign = False


class _OtherSourcesRoom(UnusableRoom):
    foreign = True


@dataclass(frozen=True, slots=True, eq=False)
class LearntRoom:
    """What was known of the empty room at one frame; nobody changes it any more.

    Attributes:
        picture: NV12 of the frame's size; means something where ``times`` is ``KNOWN`` or more.
        times: uint8 (rows, columns): how often each cell was seen free. spread: float32, the same
            shape, 0..255: its noise.
        offset: float32 (3, 9, 16), gain: the light then, see ``RoomLight``.
        sound: it was used as evidence.
    """

    picture: Frame
    times: U8
    spread: F32
    offset: F32
    gain: float
    sound: bool = False

    @property
    def cell(self) -> int:
        """Pixels of a cell's side; the last row and column may be cut short."""
        return cell_of(self.picture.width, self.picture.height)

    @property
    def known(self) -> float:
        """The part of the picture that is known, 0..1."""
        return float(np.count_nonzero(self.times >= KNOWN)) / self.times.size


def copy_of(plate: Plate, light: RoomLight, sound: bool) -> LearntRoom:
    """A copy, in memory of its own."""
    picture = plate.picture
    return LearntRoom(
        Frame(picture.y.copy(), picture.uv.copy(), picture.colour), plate.times.copy(),
        plate.spread.copy(), light.offset.copy(), light.gain, sound,
    )  # fmt: skip


def give_back(room: LearntRoom, plate: Plate, light: RoomLight) -> bool:
    """Overwrite ``plate`` and ``light``; False, and nothing changed, if their size differs."""
    if room.picture.rect != plate.picture.rect or room.picture.colour != plate.picture.colour:
        return False
    plate.picture.y[:], plate.picture.uv[:] = room.picture.y, room.picture.uv
    np.multiply(room.picture.y, 256, out=plate.mean_y, dtype=np.uint16)
    flat = room.picture.uv.reshape(plate.mean_uv.shape)
    np.multiply(flat, 256, out=plate.mean_uv, dtype=np.uint16)
    plate.times[:], plate.spread[:], plate.odd[:] = room.times, room.spread, 0
    light.offset[:], light.gain = room.offset, room.gain
    return True


def write(path: Path, room: LearntRoom, source: str) -> None:
    """Write the file, for its owner alone, in place of what was there; whole or not at all.

    ``source``: the address of what the room was seen through, without passwords. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _draft(path)
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    picture = room.picture
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            np.savez(
                file, version=np.int64(_VERSION), size=np.array([picture.width, picture.height]),
                colour=np.array(_words(picture.colour)), source=np.array(source), y=picture.y,
                uv=picture.uv, times=room.times, spread=room.spread, offset=room.offset,
                gain=np.float64(room.gain),
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def remove(path: Path) -> bool:
    """Delete the file, and a draft of it; whether there was one. Raises OSError."""
    _draft(path).unlink(missing_ok=True)
    there = path.is_symlink() or path.exists()
    path.unlink(missing_ok=True)
    return there


def read(path: Path, format: Format, source: str) -> LearntRoom | None:
    """The room kept in the file; None if there is no file.

    Raises UnusableRoom if it is damaged, or of another version, size, colour or source.
    """
    try:
        data = _bytes(path, format)
        if data is None:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return _checked(path, found, format, source)
    except _UNREADABLE as error:
        if isinstance(error, UnusableRoom):
            raise
        raise UnusableRoom(f"{path} is damaged ({' '.join(str(error).split())[:200]})") from error
    except OSError as error:
        words = error.strerror or str(error)
        raise UnusableRoom(f"{path} cannot be read: {words}") from error


def _bytes(path: Path, format: Format) -> bytes | None:
    """All of the file, which is no larger than a room of this size can be."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnusableRoom(f"{path} is not a file")
        most = _most(format)
        data = file.read(most + 1)
    if len(data) > most:
        raise UnusableRoom(f"{path} has more than the {most} bytes of a room of {format}")
    # Nothing in it may unpack to more than the file has.
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
            raise UnusableRoom(f"{path} is compressed, as mattebox writes none")
    return data


def _checked(path: Path, found: Any, format: Format, source: str) -> LearntRoom:
    version = int(found["version"])
    if version != _VERSION:
        raise UnusableRoom(f"{path} is of version {version}; this one reads {_VERSION}")
    if (seen := str(found["source"])) != source:
        raise _OtherSourcesRoom(
            f"{path} is of another source: {seen[:200]!r}, not {source[:200]!r}"
        )
    width, height = (int(side) for side in found["size"])
    if (width, height) != (format.width, format.height):
        raise UnusableRoom(f"{path} is a room of {width}x{height}; the canvas has {format}")
    if (colour := str(found["colour"])) != _words(format.colour):
        raise UnusableRoom(
            f"{path} is of other colours: {colour[:40]!r}, not {_words(format.colour)!r}"
        )
    cells = _cells(format)
    y = _array(found, "y", np.uint8, (height, width))
    uv = _array(found, "uv", np.uint8, (height // 2, width // 2, 2))
    times = _array(found, "times", np.uint8, cells)
    spread = _array(found, "spread", np.float32, cells)
    offset = _array(found, "offset", np.float32, (3, *MAP))
    gain = float(found["gain"])
    if not (_within(spread, 0, 255) and _within(offset, -255, 255) and math.isfinite(gain)):
        raise UnusableRoom(f"{path} is damaged (noise or light beyond their range)")
    if not 0.25 <= gain <= 4:
        raise UnusableRoom(f"{path} is damaged (a gain of {gain:g})")
    return LearntRoom(Frame(y, uv, format.colour), times, spread, offset, gain)


def _array(found: Any, name: str, kind: type, shape: tuple[int, ...]) -> Any:
    array = found[name]
    if array.dtype != kind or array.shape != shape:
        raise ValueError(f"{name}: found {array.dtype} {array.shape}; expected {shape}")
    return np.ascontiguousarray(array)


def _within(array: F32, low: float, high: float) -> bool:
    return bool(np.isfinite(array).all() and array.min() >= low and array.max() <= high)


def _cells(format: Format) -> tuple[int, int]:
    cell = cell_of(format.width, format.height)
    return -(-format.height // cell), -(-format.width // cell)


def _most(format: Format) -> int:
    rows, columns = _cells(format)
    return format.width * format.height * 3 // 2 + 5 * rows * columns + _MOST_WORDS


def _words(colour: Colour) -> str:
    return f"{colour.matrix.name} {colour.range.name}"


def _draft(path: Path) -> Path:
    return path.with_name(path.name + ".new")
