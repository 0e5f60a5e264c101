"""Frame, Rect and colour: what one picture is. Nothing else lives here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from appliance.media.caption import Caption

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


class Matrix(str, Enum):
    """The YUV matrix: which linear mix of R, G and B the luma plane holds."""

    BT601 = "bt601"
    BT709 = "bt709"

    @property
    def kr_kb(self) -> tuple[float, float]:
        """Luma weights of red and blue (ITU-R BT.601-7 2.5.1, ITU-R BT.709-6 item 3.2)."""
        return (0.299, 0.114) if self is Matrix.BT601 else (0.2126, 0.0722)


class Range(str, Enum):
    """Limited: luma 16..235, chroma 16..240. Full: 0..255."""

    LIMITED = "limited"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Colour:
    """How a frame's NV12 samples map to RGB."""

    matrix: Matrix = Matrix.BT709
    range: Range = Range.LIMITED


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels; (x, y) is its top left corner, which may lie outside a frame."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column to the right of the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below the rectangle."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Pixels covered."""
        return self.width * self.height

    def intersect(self, other: Rect) -> Rect:
        """The common part; width or height 0 where there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect(
            x,
            y,
            max(0, min(self.right, other.right) - x),
            max(0, min(self.bottom, other.bottom) - y),
        )

    def contains(self, other: Rect) -> bool:
        """True when ``other`` lies wholly inside."""
        return (
            other.x >= self.x
            and other.y >= self.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True, slots=True)
class Format:
    """What a stream of frames looks like: size in pixels, rate in frames a second, colour.

    ``fps`` is a fraction (numerator, denominator), as in 30000/1001.
    """

    width: int
    height: int
    fps: tuple[int, int] = (30, 1)
    colour: Colour = field(default_factory=Colour)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.fps[0] / self.fps[1]

    @property
    def rect(self) -> Rect:
        """The whole picture."""
        return Rect(0, 0, self.width, self.height)

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.rate:.4g} fps"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One NV12 picture.

    Attributes:
        y: luma, uint8, shape (height, width); rows may be padded (any pitch), columns are dense.
        uv: chroma, uint8, shape (ceil(height/2), ceil(width/2), 2): Cb then Cr, sampled once for
            each 2x2 block of luma.
        colour: matrix and range.
        pts: presentation time in nanoseconds; rises from frame to frame. On the appliance's clock,
            ``time.monotonic_ns()``, from where frames enter (``media.clock``), or on the file's own
            line from 0 if it is read as fast as possible. Before, as a source gives it: the
            stream's own time from any origin, or ``media.clock.NO_TIME``.
        duration: nanoseconds until the next frame is due; 0 if it is not known.
        alpha: uint8 (height, width), 0..255: how much of each pixel is the person, where the source
            knows it; None: a network has to find out. Where it is 0, ``y``
            and ``uv`` may hold anything.
        caption: what is being said while this frame is shown; None: nothing.
        captured: ``time.monotonic_ns()`` when the frame entered this program (latency starts here).
        serial: count of frames since the source opened, from 0; a gap is a dropped frame.
        discontinuity: True on the first frame after a cut, a seek, a loop or a reconnect: state
            carried over time must be reset.
        owner: keeps the memory behind ``y`` and ``uv`` alive (a mapped GStreamer buffer, a pool's
            lease); whoever holds the frame holds the memory.
    """

    y: U8
    uv: U8
    colour: Colour = field(default_factory=Colour)
    pts: int = 0
    captured: int = 0
    serial: int = 0
    discontinuity: bool = False
    owner: object = None
    duration: int = 0
    alpha: U8 | None = None
    caption: Caption | None = None

    @property
    def width(self) -> int:
        """Luma columns."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Luma rows."""
        return int(self.y.shape[0])

    @property
    def uv_rows(self) -> U8:
        """A view of ``uv`` with Cb and Cr in turns: uint8 (rows of chroma, 2 * columns of it)."""
        return self.uv.reshape(self.uv.shape[0], -1)

    @property
    def rect(self) -> Rect:
        """The whole picture."""
        return Rect(0, 0, self.width, self.height)


def blank(width: int, height: int, colour: Colour | None = None) -> Frame:
    """A black frame in memory of its own. Raises ValueError for a size below 1x1."""
    if width < 1 or height < 1:
        raise ValueError(f"a frame of {width}x{height} pixels: both sides must be at least 1")
    colour = colour or Colour()
    black = 16 if colour.range is Range.LIMITED else 0
    y = np.full((height, width), black, np.uint8)
    uv = np.full(((height + 1) // 2, (width + 1) // 2, 2), 128, np.uint8)
    return Frame(y, uv, colour)
