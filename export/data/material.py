"""From the pack to what scenes are made of, held in memory."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from export.data.names import read_names
from export.data.pack import read_pack, read_seated
from export.images import UInt8Image
from export.synthesis.filmed import RealFrame
from export.synthesis.people import Person, prepare
from export.synthesis.scene import Material

SHARES = {"portrait": 0.42, "clip": 0.22, "walker": 0.12, "figure": 0.14, "half-figure": 0.18}
STRANGERS = 0.8  # beside those, where their pack is given


def load_material(pack: Path, height: int, more: Path | None = None) -> Material:
    """Read a pack for frames of `height` rows; people are kept 1.75 times as high.

    `more` is the pack of strangers, whose cutouts become one more kind of people.

    Raises ValueError when the pack lacks people or backgrounds.
    """
    rows = int(1.75 * height)
    shares = SHARES if more is None else SHARES | {"stranger": STRANGERS}
    groups: dict[str, list[Person]] = {kind: [] for kind in shares}
    photos: list[UInt8Image] = []
    real: list[RealFrame] = []
    hard: list[UInt8Image] = []
    looks_like_people = hard_backgrounds()
    if more is not None:
        for entry, colour, alpha in read_pack(more):
            if entry.kind == "stranger" and alpha is not None:
                kind = stranger_kind(alpha)
                groups["stranger"].append(prepare(*trimmed(colour, alpha), kind, rows))
    for entry, colour, alpha, behind in read_seated(pack):
        if entry.kind == "background":
            photos.append(at_most(colour, int(1.6 * rows)))
            if entry.name in looks_like_people:
                hard.append(photos[-1])
        elif alpha is None:
            raise ValueError(f"{pack}: {entry.kind} {entry.name} has no alpha; make the pack again")
        elif entry.kind == "real":
            real.append(RealFrame(at_most(colour, 2 * rows), at_most(alpha, 2 * rows)))
        else:
            groups[entry.kind].append(prepare(colour, alpha, entry.kind, rows, behind))
    kinds = [kind for kind in shares if groups[kind]]
    if not kinds or not photos:
        raise ValueError(
            f"{pack}: {sum(map(len, groups.values()))} people and {len(photos)} backgrounds, "
            "at least one of each expected; make the pack again with 'python -m export label'"
        )
    total = sum(shares[kind] for kind in kinds)
    return Material(
        people=[groups[kind] for kind in kinds],
        weights=[shares[kind] / total for kind in kinds],
        photos=photos,
        real=real,
        hard=hard,
    )


def hard_backgrounds() -> frozenset[str]:
    """Names of the photographs without people in which a network saw somebody."""
    return read_names(Path(__file__).parent / "hard_backgrounds.txt")


def trimmed(
    colour: UInt8Image, alpha: UInt8Image, margin: int = 8
) -> tuple[UInt8Image, UInt8Image]:
    """Colour and alpha without the empty columns beside and rows above the person."""
    ys, xs = np.nonzero(alpha > 8)
    left, right = max(0, int(xs.min()) - margin), int(xs.max()) + margin
    top, bottom = max(0, int(ys.min()) - margin), int(ys.max()) + 1
    part = slice(top, bottom), slice(left, right)
    return colour[part], alpha[part]


def stranger_kind(alpha: UInt8Image) -> str:
    """Of which kind a cut-out stranger is: whole, or cut by the picture's lower edge."""
    return "portrait" if (alpha[-2] > 127).any() else "figure"


def at_most(image: UInt8Image, longest: int) -> UInt8Image:
    """Shrink an image so that its longer side is at most `longest` pixels."""
    height, width = image.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
