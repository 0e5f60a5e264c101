"""The set `strangers`: photographs of people kept back, with fused labels and what they show.

On disk `<folder>/images/NAME.jpg`, `alphas/NAME.png`, `weights/NAME.png` and `slices.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from export.images import UInt8Image

SURE = 127  # weights from here on are judged


@dataclass(frozen=True)
class Stranger:
    """One photograph: BGR uint8 (h, w, 3), alpha and weight uint8 (h, w), slices by name."""

    name: str
    image: UInt8Image
    alpha: UInt8Image
    weight: UInt8Image
    slices: frozenset[str]


def known(weight: UInt8Image) -> np.ndarray:
    """Where the label is sure enough to judge by, bool (h, w)."""
    return np.asarray(weight > SURE)


def load_strangers(folder: Path) -> Iterator[Stranger]:
    """Every photograph of the set, by name.

    Raises FileNotFoundError when the set is not there.
    """
    table = folder / "slices.csv"
    if not table.is_file():
        raise FileNotFoundError(f"{table}: no such file; make it with 'python -m export label'")
    with table.open(newline="") as file:
        slices = {row["name"]: frozenset(row["slices"].split()) for row in csv.DictReader(file)}
    for name, shown in sorted(slices.items()):
        planes = (
            _read(folder / "images" / f"{name}.jpg", cv2.IMREAD_COLOR),
            _read(folder / "alphas" / f"{name}.png", cv2.IMREAD_GRAYSCALE),
            _read(folder / "weights" / f"{name}.png", cv2.IMREAD_GRAYSCALE),
        )
        yield Stranger(name, *planes, shown)


def _read(path: Path, mode: int) -> UInt8Image:
    image = cv2.imread(str(path), mode)
    if image is None:
        raise ValueError(f"{path}: missing or not a picture; make the set again")
    return np.asarray(image, np.uint8)
