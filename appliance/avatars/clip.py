"""A clip: keyed pictures, and perhaps their sound, in one file that is mapped, never read in.

    magic, length of the header, header (JSON), padding to a page
    frames: Y, then Cb and Cr in turns, then alpha, dense, each frame padded to a page
    sound: int16 left and right, 48,000 a second, exactly as long as the pictures

Sessions that play the same clip share the kernel's page cache, which also decides what stays in
memory. Only what is around the person is stored: ``rect`` says where on the canvas that is.
"""

from __future__ import annotations

import json
import mmap
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from appliance.errors import AvatarError
from appliance.media.audio import CHANNELS, I16, RATE
from appliance.media.frame import U8, Colour, Format, Matrix, Range, Rect

MAGIC = b"MBXCLIP1"
"""The first bytes of every clip; the last of them is the version of the layout."""
PAGE = 4096
_MOST_HEADER = 1 << 20
_AGAIN = "make the avatar again: mattebox avatar make"


@dataclass(frozen=True, slots=True)
class ClipHeader:
    """What a clip says of itself.

    Attributes:
        format: size in pixels, rate and colour of the canvas that it is for.
        rect: the part of the canvas that is stored: even on all sides, within the canvas.
        frames: how many, 1 at least.
        sounding: whether there is sound.
        digest: hexadecimal digest of pictures and sound: the same for the same content.
    """

    format: Format
    rect: Rect
    frames: int
    sounding: bool = False
    digest: str = ""

    @property
    def pixels(self) -> int:
        """Pixels stored of a frame."""
        return self.rect.area

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame, without padding: luma, chroma, alpha."""
        return self.pixels * 5 // 2

    @property
    def stride(self) -> int:
        """Bytes from one frame to the next."""
        return -(-self.frame_bytes // PAGE) * PAGE

    @property
    def samples(self) -> int:
        """Samples of sound that belong to all frames."""
        return samples_until(self.frames, self.format.fps) if self.sounding else 0

    @property
    def size(self) -> int:
        """Bytes of the whole file, given where frames begin."""
        return self.frames * self.stride + self.samples * CHANNELS * 2

    def to_json(self) -> bytes:
        """The header as it is written."""
        f = self.format
        data = {
            "width": f.width, "height": f.height, "fps": list(f.fps),
            "matrix": f.colour.matrix.value, "range": f.colour.range.value,
            "rect": [self.rect.x, self.rect.y, self.rect.width, self.rect.height],
            "frames": self.frames, "sounding": self.sounding, "digest": self.digest,
        }  # fmt: skip
        return json.dumps(data).encode()

    @classmethod
    def from_json(cls, text: bytes) -> ClipHeader:
        """Raises ValueError for anything else than ``to_json`` gives.

        Or KeyError, TypeError, ArithmeticError (infinite, zero), RecursionError.
        """
        data: dict[str, Any] = json.loads(text)
        colour = Colour(Matrix(data["matrix"]), Range(data["range"]))
        numerator, denominator = map(int, data["fps"])
        format = Format(int(data["width"]), int(data["height"]), (numerator, denominator), colour)
        found = cls(
            format, Rect(*map(int, data["rect"])), int(data["frames"]), bool(data["sounding"]),
            str(data["digest"]),
        )  # fmt: skip
        found.check()
        return found

    def check(self) -> None:
        """Raises ValueError when sizes or counts cannot be."""
        rect, whole = self.rect, self.format.rect
        odd = (rect.x | rect.y | rect.width | rect.height | whole.width | whole.height) & 1
        if odd or not whole.contains(rect) or rect.width < 2 or rect.height < 2:
            raise ValueError(f"a part {rect} of {self.format}: expected even sides, and within")
        if self.frames < 1 or min(self.format.fps) < 1:
            raise ValueError(f"{self.frames} frames at {self.format.fps}: expected 1 at least")


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One picture of a clip: views of the mapped file, which must not be written to.

    Attributes:
        y: uint8 (rect.height, rect.width). uv: uint8 (rect.height/2, rect.width/2, 2): Cb, Cr.
        alpha: uint8 (rect.height, rect.width), 0..255.
        rect: where it lies on the canvas.
    """

    y: U8
    uv: U8
    alpha: U8
    rect: Rect


class Clip:
    """A clip, mapped. Cheap to open; any number of threads and processes may read it at once."""

    def __init__(self, path: Path) -> None:
        """Map the file. Raises AvatarError when it is missing, cut short, or no clip."""
        self.path = path
        try:
            with path.open("rb") as file:
                self.header, start = _read_header(file, path)
                file.seek(0, 2)
                size = file.tell()
                if size != start + self.header.size:
                    raise AvatarError(
                        f"{path}: found {size} bytes, expected {start + self.header.size} for "
                        f"{self.header.frames} frames: it was cut short or changed; {_AGAIN}"
                    )
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise AvatarError(f"{path}: the clip cannot be read: {error}; {_AGAIN}") from error
        self._mapped = mapped
        self._bytes: U8 = np.frombuffer(mapped, np.uint8)
        self._start = start

    @property
    def frames(self) -> int:
        """How many pictures there are."""
        return self.header.frames

    def frame(self, index: int) -> ClipFrame:
        """The picture of this number, from 0. Raises IndexError beyond the last."""
        header = self.header
        if not 0 <= index < header.frames:
            raise IndexError(f"{self.path}: frame {index} of {header.frames}")
        at, rect, pixels = self._start + index * header.stride, header.rect, header.pixels
        shape = (rect.height, rect.width)
        data = self._bytes
        return ClipFrame(
            data[at : at + pixels].reshape(shape),
            data[at + pixels : at + pixels * 3 // 2].reshape(rect.height // 2, rect.width // 2, 2),
            data[at + pixels * 3 // 2 : at + pixels * 5 // 2].reshape(shape),
            rect,
        )

    def soon(self, index: int, count: int = 1) -> None:
        """Have the system read so many pictures from the disk, as far as it has not: no waiting.

        Without it the first look at each page waits for a small read, eighteen of them a picture of
        720p. Pictures beyond the last are left out.
        """
        header = self.header
        end = min(index + count, header.frames)
        if index < end:
            at = self._start + index * header.stride
            aligned = at - at % mmap.PAGESIZE
            length = self._start + end * header.stride - aligned
            self._mapped.madvise(mmap.MADV_WILLNEED, aligned, length)

    def sound(self, index: int) -> I16 | None:
        """The samples of one picture's time, int16 (count, 2); None if the clip has no sound.

        Counts follow ``samples_until``, so that all pictures together have exactly all samples.
        """
        header = self.header
        if not header.sounding:
            return None
        fps = header.format.fps
        first, end = samples_until(index, fps), samples_until(index + 1, fps)
        at = self._start + header.frames * header.stride
        wide = 2 * CHANNELS
        data = self._bytes[at + first * wide : at + end * wide]
        return data.view(np.int16).reshape(-1, CHANNELS)


def samples_until(ticks: int, fps: tuple[int, int]) -> int:
    """Samples of 48 kHz that belong to the first so many ticks: floor(ticks * 48000 / fps).

    The differences are the integer cadence of broadcast (1601 and 1602 at 29.97), and never drift.
    """
    numerator, denominator = fps
    return ticks * RATE * denominator // numerator


def seconds(frames: int, fps: tuple[int, int]) -> float:
    """How long so many frames last."""
    return float(Fraction(frames * fps[1], fps[0]))


def _read_header(file: IO[bytes], path: Path) -> tuple[ClipHeader, int]:
    """The header, and where frames begin."""
    text = file.read(16)
    if text[:7] != MAGIC[:7] or len(text) < 16:
        raise AvatarError(f"{path}: this is no clip of an avatar; {_AGAIN}")
    if text[:8] != MAGIC:
        raise AvatarError(f"{path}: made by another version of mattebox; {_AGAIN}")
    length = int.from_bytes(text[8:16], "little")
    try:
        header = ClipHeader.from_json(file.read(min(length, _MOST_HEADER)))
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise AvatarError(f"{path}: its header is broken ({error}); {_AGAIN}") from error
    return header, frames_begin(length)


def frames_begin(length: int) -> int:
    """The offset of the first frame, after a header of so many bytes."""
    return -(-(16 + length) // PAGE) * PAGE
