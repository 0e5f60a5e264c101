"""Keyed pictures on their way into a clip: on disk, as a clip of ten minutes fits no memory.

How much of the canvas a clip needs is known at its end only. Until then each picture is stored with
the part that it needs itself; then all of them get the part that they need together.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.avatars.clip import Clip
from appliance.avatars.clip_writer import ClipWriter
from appliance.errors import StorageError
from appliance.media.audio import I16
from appliance.media.frame import U8, Format, Range, Rect

_MARGIN = 0.02
"""Room around the person, of the canvas's height: frames of seams may reach a little further."""
_BLEED = 8
"""How far the person's colours are continued beyond their edge, pixels."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A picture in the spool: where it begins, what it covers, for how many ticks it is shown."""

    at: int
    rect: Rect
    ticks: int


class Spool:
    """Takes keyed pictures, and writes the clip. A context manager, which removes the spool."""

    def __init__(self, folder: Path, format: Format) -> None:
        """``folder``: where the clip will be, too. Raises StorageError when it cannot be used."""
        self._format = format
        self._folder = folder
        self._stored: list[_Stored] = []
        self._size = 0
        try:
            # Without a name: it is gone with this process, however that ends.
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by __exit__
        except OSError as error:
            raise self._full(error) from error

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._file.close()

    @property
    def ticks(self) -> int:
        """How many frames the clip will have."""
        return sum(one.ticks for one in self._stored)

    @property
    def bytes(self) -> int:
        """How much is stored."""
        return self._size

    def add(self, y: U8, uv: U8, alpha: U8, ticks: int) -> None:
        """Store a picture of the canvas that is shown for so many ticks. Raises StorageError."""
        rect = _around(alpha, self._format)
        if rect.area:
            rows, columns = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
            inner = alpha[rows, columns]
            half = (slice(rect.y // 2, rect.bottom // 2), slice(rect.x // 2, rect.right // 2))
            luma, chroma = bled(y[rows, columns], uv[half], inner)
            data = b"".join((luma.tobytes(), chroma.tobytes(), inner.tobytes()))
            try:
                self._file.write(data)
            except OSError as error:
                raise self._full(error) from error
        self._stored.append(_Stored(self._size, rect, ticks))
        self._size += rect.area * 5 // 2

    def write(self, path: Path, sound: I16 | None) -> Clip:
        """The clip, cropped to the person. Raises StorageError."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._full(error) from error
        whole = self._needed()
        black = 16 if self._format.colour.range is Range.LIMITED else 0
        y = np.empty((whole.height, whole.width), np.uint8)
        uv = np.empty((whole.height // 2, whole.width // 2, 2), np.uint8)
        alpha = np.empty_like(y)
        data: U8 = np.memmap(self._file, np.uint8, "r") if self._size else np.empty(0, np.uint8)
        with ClipWriter(path, self._format, whole) as writer:
            for one in self._stored:
                y[:], uv[:], alpha[:] = black, 128, 0
                rect, at, pixels = one.rect, one.at, one.rect.area
                top, left = rect.y - whole.y, rect.x - whole.x
                inner = np.s_[top : top + rect.height, left : left + rect.width]
                half = np.s_[
                    top // 2 : (top + rect.height) // 2, left // 2 : (left + rect.width) // 2
                ]
                shape = (rect.height, rect.width)
                if pixels:
                    y[inner] = data[at : at + pixels].reshape(shape)
                    uv[half] = data[at + pixels : at + pixels * 3 // 2].reshape(
                        rect.height // 2, rect.width // 2, 2
                    )
                    alpha[inner] = data[at + pixels * 3 // 2 : at + pixels * 5 // 2].reshape(shape)
                for _ in range(one.ticks):
                    writer.add(y, uv, alpha)
            return writer.finish(sound)

    def _needed(self) -> Rect:
        """What all pictures need together, and a margin: even, within the canvas."""
        rects = [one.rect for one in self._stored if one.rect.area]
        if not rects:
            return Rect(0, 0, 2, 2)
        margin = max(4, round(_MARGIN * self._format.height)) // 2 * 2
        left, top = min(r.x for r in rects) - margin, min(r.y for r in rects) - margin
        right = max(r.right for r in rects) + margin
        bottom = max(r.bottom for r in rects) + margin
        return Rect(left, top, right - left, bottom - top).intersect(self._format.rect)

    def _full(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self._folder}: keyed pictures cannot be stored there ({error.strerror or error}); "
            "make room, or give another folder with --into. What is finished stays: make it again "
            "to go on"
        )


def _around(alpha: U8, format: Format) -> Rect:
    """The smallest even part of the canvas around all that is not 0, and the room to bleed."""
    rows = np.flatnonzero(alpha.any(axis=1))
    if rows.size == 0:
        return Rect(0, 0, 0, 0)
    columns = np.flatnonzero(alpha[rows[0] : rows[-1] + 1].any(axis=0))
    left, top = (int(columns[0]) - _BLEED) & ~1, (int(rows[0]) - _BLEED) & ~1
    right, bottom = (int(columns[-1]) + _BLEED + 2) & ~1, (int(rows[-1]) + _BLEED + 2) & ~1
    return Rect(left, top, right - left, bottom - top).intersect(format.rect)


def bled(y: U8, uv: U8, alpha: U8) -> tuple[U8, U8]:
    """The person's colours, continued where alpha is 0.

    Whoever scales the picture mixes neighbours: with black beyond the edge that gives a dark rim.

    Args:
        y: uint8 (height, width), even. uv: uint8 (height/2, width/2, 2). alpha: as ``y``.
    """
    seen: NDArray[np.bool_] = np.asarray(alpha > 0)
    out_y = _continued(y[..., None], seen)[..., 0]
    pairs = seen[::2] | seen[1::2]
    return out_y, _continued(uv, pairs[:, ::2] | pairs[:, 1::2])


def _continued(picture: U8, seen: NDArray[np.bool_]) -> U8:
    """Where not ``seen``: the mean of what is, nearby."""
    weight = seen.astype(np.float32)
    size = (2 * _BLEED + 1, 2 * _BLEED + 1)
    nearby = cv2.blur(picture.astype(np.float32) * weight[..., None], size)
    share = cv2.blur(weight, size)
    mean = nearby.reshape(picture.shape) / np.maximum(share, 1e-6)[..., None]
    some = (~seen) & (share > 1e-4)
    return np.where(some[..., None], np.rint(mean).astype(np.uint8), picture).astype(np.uint8)
