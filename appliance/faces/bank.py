"""The mouth bank: mouths cut from an avatar's own speaking footage, each with how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.avatars.clip import ClipFrame
from appliance.errors import AvatarError
from appliance.faces import region
from appliance.faces.mesh import C128
from appliance.faces.track import read_arrays, write_arrays
from appliance.media.frame import F32, U8, Rect
from appliance.voices.base import VISEMES

FILE = "mouths.npz"
VERSION = 1
MOST = 300
"""Mouths in a bank: each tick looks at all of them."""
MOST_SIDE = 288
"""Pixels of a mouth's longer side: a larger one is stored smaller."""
_AGAIN = "make the avatar again: mattebox avatar make"


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """All mouths, an array for each of their properties, in the order of the footage.

    Attributes:
        y: uint8 (n, rows, columns). uv: uint8 (n, rows/2, columns/2, 2): NV12, as the clip has it.
        place: complex128 (n, 2): where the face lies in the mouth's own picture (``mesh``).
        viseme: uint8 (n,), indices of ``VISEMES``.
        shape: float32 (n, 2), as ``visemes.SHAPES``: 0..1 and -1..1 over this avatar's footage.
        turn: float32 (n, 2): ``mesh.turn_of``.
        light: float32 (n,): mean luma of the skin around the mouth.
        origin: int32 (n, 2): clip and frame, so that what followed in the footage is known.
        shut: how far the lips are apart (``Face.mouth``) where the shape is 0, and where it is 1.
        wide: how far the corners are apart where the shape is -1, and where it is 1.
        spoken: whether the visemes are from the footage's words, not from its looks.
    """

    y: U8
    uv: U8
    place: C128
    viseme: U8
    shape: F32
    turn: F32
    light: F32
    origin: NDArray[np.int32]
    shut: tuple[float, float]
    wide: tuple[float, float]
    spoken: bool

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True, eq=False)
class CutMouth:
    """One mouth, cut out: planes of its own, and where the face lies in them."""

    y: U8
    uv: U8
    place: tuple[complex, complex]
    light: float


def cut(frame: ClipFrame, place: tuple[complex, complex], texture: U8) -> CutMouth | None:
    """Cut the mouth out of a clip's frame; None where it is not wholly in it, and the person's.

    ``place`` is the face's, in the clip's coordinates; ``texture`` is ``region.mask_texture``.
    """
    rect = region.bounds(*place)
    rows, columns = frame.y.shape
    if not Rect(0, 0, columns, rows).contains(rect):
        return None
    y = frame.y[rect.y : rect.bottom, rect.x : rect.right]
    uv = frame.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
    mask = np.empty(y.shape, np.uint8)
    region.Warp().mask(texture, place, rect, mask)
    inside = mask > 0
    if float(frame.alpha[rect.y : rect.bottom, rect.x : rect.right][inside].mean()) < 240:
        return None
    light = float(y[inside & (mask < 128)].mean())
    a, b = place[0], place[1] - complex(rect.x, rect.y)
    share = MOST_SIDE / max(rect.width, rect.height)
    if share >= 1:
        return CutMouth(y.copy(), uv.copy(), (a, b), light)
    # The sides are even, and each axis keeps its own share: they differ by less than a pixel.
    width, height = int(rect.width * share) & ~1, int(rect.height * share) & ~1
    small = cv2.resize(y, (width, height), interpolation=cv2.INTER_AREA)
    less = cv2.resize(uv, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    by = (width / rect.width + height / rect.height) / 2
    return CutMouth(
        np.asarray(small, np.uint8), np.asarray(less, np.uint8), (a * by, b * by), light
    )


def stack(cuts: list[CutMouth]) -> tuple[U8, U8]:
    """The planes of all mouths in one array each, as large as the largest."""
    rows, columns = max(c.y.shape[0] for c in cuts), max(c.y.shape[1] for c in cuts)
    y = np.zeros((len(cuts), rows, columns), np.uint8)
    uv = np.full((len(cuts), rows // 2, columns // 2, 2), 128, np.uint8)
    for n, one in enumerate(cuts):
        bottom, right = rows - one.y.shape[0], columns - one.y.shape[1]
        y[n] = np.pad(one.y, ((0, bottom), (0, right)), "edge")
        uv[n] = np.pad(one.uv, ((0, bottom // 2), (0, right // 2), (0, 0)), "edge")
    return y, uv


def save_bank(path: Path, bank: Bank) -> None:
    """Write it, as a whole or not at all. Raises StorageError."""
    arrays = {name: getattr(bank, name) for name in _ARRAYS}
    ends = np.array([bank.shut, bank.wide], np.float64)
    write_arrays(
        path,
        {**arrays, "ends": ends, "spoken": np.array(bank.spoken), "version": np.array(VERSION)},
    )


def load_bank(path: Path) -> Bank:
    """Read it. Raises AvatarError when it cannot be read, or is none."""
    arrays = read_arrays(path, VERSION)
    missing = [name for name in (*_ARRAYS, "ends", "spoken") if name not in arrays]
    if missing:
        raise AvatarError(f"{path}: has no {', '.join(missing)}; {_AGAIN}")
    count = len(arrays["y"]) if arrays["y"].ndim == 3 else 0
    rows, columns = arrays["y"].shape[1:] if count else (0, 0)
    for name, (kind, shape) in _ARRAYS.items():
        wanted = (count, *(rows // 2 if s == -2 else columns // 2 if s == -3 else s for s in shape))
        wanted = (count, rows, columns) if name == "y" else wanted
        found = arrays[name]
        if not 1 <= count <= 4 * MOST or found.shape != wanted or found.dtype != kind:
            raise AvatarError(
                f"{path}: {name}: {found.dtype} {found.shape}, expected {np.dtype(kind)} {wanted} "
                f"of 1 to {4 * MOST} mouths; {_AGAIN}"
            )
    numbers = ("place", "shape", "turn", "light")
    finite = all(np.isfinite(arrays[name]).all() for name in numbers)
    placed = bool(np.abs(arrays["place"][:, 0]).min() >= 1)
    if not finite or not placed or int(arrays["viseme"].max()) >= len(VISEMES):
        raise AvatarError(f"{path}: holds numbers that cannot be; {_AGAIN}")
    (least, most), (narrow, wide) = _ends(path, arrays["ends"])
    checked: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    return Bank(
        **checked, shut=(least, most), wide=(narrow, wide), spoken=bool(arrays["spoken"].any())
    )


def _ends(path: Path, ends: NDArray[np.generic]) -> list[list[float]]:
    """The shapes' ends, lowest first. Raises AvatarError."""
    known = ends.shape == (2, 2) and ends.dtype == np.float64 and bool(np.isfinite(ends).all())
    values: list[list[float]] = ends.tolist() if known else []
    if not known or values[0][0] >= values[0][1]:
        raise AvatarError(f"{path}: ends: {ends.tolist()}, expected two rising pairs; {_AGAIN}")
    return values


# -2, -3: half the rows, half the columns of y.
_ARRAYS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "y": (np.uint8, ()),
    "uv": (np.uint8, (-2, -3, 2)),
    "place": (np.complex128, (2,)),
    "viseme": (np.uint8, ()),
    "shape": (np.float32, (2,)),
    "turn": (np.float32, (2,)),
    "light": (np.float32, ()),
    "origin": (np.int32, (2,)),
}
