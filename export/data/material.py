"""From the pack to what scenes are made of, held in memory."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from export.data.pack import read_pack
from export.images import UInt8Image
from export.synthesis.filmed import RealFrame
from export.synthesis.people import Person, prepare
from export.synthesis.scene import Material

SHARES = {"portrait": 0.42, "clip": 0.22, "walker": 0.12, "figure": 0.11, "half-figure": 0.13}


def load_material(pack: Path, height: int) -> Material:
    """Read a pack for frames of `height` rows; people are kept 1.75 times as high.

    Raises ValueError when the pack lacks people or backgrounds.
    """
    rows = int(1.75 * height)
    groups: dict[str, list[Person]] = {kind: [] for kind in SHARES}
    photos: list[UInt8Image] = []
    real: list[RealFrame] = []
    for entry, colour, alpha in read_pack(pack):
        if entry.kind == "background":
            photos.append(_at_most(colour, int(1.6 * rows)))
        elif alpha is None:
            raise ValueError(f"{pack}: {entry.kind} {entry.name} has no alpha; make the pack again")
        elif entry.kind == "real":
            real.append(RealFrame(_at_most(colour, 2 * rows), _at_most(alpha, 2 * rows)))
        else:
            groups[entry.kind].append(prepare(colour, alpha, entry.kind, rows))
    kinds = [kind for kind in SHARES if groups[kind]]
    if not kinds or not photos:
        raise ValueError(
            f"{pack}: {sum(map(len, groups.values()))} people and {len(photos)} backgrounds, "
            "at least one of each expected; make the pack again with 'python -m export label'"
        )
    total = sum(SHARES[kind] for kind in kinds)
    return Material(
        people=[groups[kind] for kind in kinds],
        weights=[SHARES[kind] / total for kind in kinds],
        photos=photos,
        real=real,
    )


def _at_most(image: UInt8Image, longest: int) -> UInt8Image:
    """Shrink an image so that its longer side is at most `longest` pixels."""
    height, width = image.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
