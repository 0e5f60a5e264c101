"""The packed training set: one zip of JPEG colours and PNG alphas with an index."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from export.images import UInt8Image

INDEX = "index.json"
KINDS = ("portrait", "clip", "walker", "figure", "half-figure", "stranger", "real", "background")


@dataclass(frozen=True)
class Entry:
    """One picture of the pack; `alpha` is absent for backgrounds."""

    name: str
    kind: str
    person: str
    quality: float
    often: float = 1.0  # how often it is drawn, beside others


class PackWriter:
    """Writes a pack; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._entries: list[Entry] = []

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.writestr(INDEX, json.dumps([asdict(entry) for entry in self._entries]))
        self._zip.close()

    def add(
        self,
        entry: Entry,
        colour: UInt8Image,
        alpha: UInt8Image | None = None,
        quality: int = 90,
        weight: UInt8Image | None = None,
        behind: UInt8Image | None = None,
    ) -> None:
        """Add BGR uint8 (h, w, 3), a JPEG of `quality`; but for backgrounds alpha uint8 (h, w).

        `weight` uint8 (h, w): how far alpha is to be believed; without, all of it.
        `behind` BGRA uint8 (h, w, 4): what a cutout's person sits on, which lies under it.
        """
        if entry.kind not in KINDS:
            raise ValueError(f"{entry.name}: kind {entry.kind!r} unknown, expected one of {KINDS}")
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        coded = cv2.imencode(".jpg", colour, options)[1]
        self._zip.writestr(f"{entry.kind}/{entry.name}.jpg", coded.tobytes())
        layers = ((alpha, "png"), (weight, "weight.png"), (behind, "behind.png"))
        for image, end in layers:
            if image is not None:
                coded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
                self._zip.writestr(f"{entry.kind}/{entry.name}.{end}", coded.tobytes())
        self._entries.append(entry)


def read_pack(path: Path) -> Iterator[tuple[Entry, UInt8Image, UInt8Image | None]]:
    """Every entry with its colour BGR uint8 (h, w, 3) and alpha uint8 (h, w) or None.

    Raises FileNotFoundError when the pack is missing, ValueError when it is not one.
    """
    for entry, colour, more in _read(path, ("png",)):
        yield entry, colour, more[0]


def read_seated(
    path: Path,
) -> Iterator[tuple[Entry, UInt8Image, UInt8Image | None, UInt8Image | None]]:
    """As `read_pack`, with what the person sits on, BGRA uint8 (h, w, 4), where there is that."""
    for entry, colour, more in _read(path, ("png", "behind.png")):
        yield entry, colour, more[0], more[1]


def read_weighted(
    path: Path,
) -> Iterator[tuple[Entry, UInt8Image, UInt8Image | None, UInt8Image | None]]:
    """As `read_pack`, with the weight uint8 (h, w) of each alpha where it has one."""
    for entry, colour, more in _read(path, ("png", "weight.png")):
        yield entry, colour, more[0], more[1]


def _read(
    path: Path, ends: tuple[str, ...]
) -> Iterator[tuple[Entry, UInt8Image, list[UInt8Image | None]]]:
    """Every entry, its colour, and the files beside it that end so, None where absent."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no packed data set there; make it with 'python -m export label'"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            for fields in json.loads(archive.read(INDEX)):
                entry = Entry(**fields)
                stem = f"{entry.kind}/{entry.name}"
                colour = _decode(archive.read(f"{stem}.jpg"), cv2.IMREAD_COLOR, stem)
                more = [
                    _decode(archive.read(name), cv2.IMREAD_UNCHANGED, name)
                    if name in names
                    else None
                    for name in (f"{stem}.{end}" for end in ends)
                ]
                yield entry, colour, more
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(
            f"{path}: not a packed data set ({error}); make it again with 'python -m export label'"
        ) from error


def _decode(data: bytes, mode: int, name: str) -> UInt8Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    if image is None:
        raise ValueError(f"{name}: cannot be decoded; make the pack again")
    return np.asarray(image, np.uint8)
