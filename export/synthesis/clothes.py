"""New clothes: colours and textures laid over what people wear, with the folds kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from export.images import FloatImage, UInt8Image
from export.synthesis.backgrounds import Rng, photo
from export.synthesis.furniture import fabric
from export.synthesis.people import Person

# Share of the original picture's rows above which there is only head.
_COLLAR = {False: 0.74, True: 0.24}


def clothes_mask(person: Person) -> FloatImage:
    """Where clothes are, float32 (h, w) in [0, 1]: below the collar and not skin-coloured.

    Skin is the usual box in Cr and Cb (Chai and Ngan, 1999), slightly dilated.
    """
    chroma = cv2.cvtColor(person.foreground, cv2.COLOR_BGR2YCrCb)
    skin = cv2.inRange(chroma, (40, 135, 80), (255, 175, 125))
    skin = cv2.dilate(
        cv2.morphologyEx(skin, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.ones((3, 3), np.uint8)
    )
    mask = 1 - skin.astype(np.float32) / 255
    collar = _COLLAR[person.upright] * person.rows
    rows = np.arange(mask.shape[0], dtype=np.float32)
    mask *= np.clip((rows - collar) / (0.04 * person.rows), 0, 1)[:, None]
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.0), np.float32)


def dressed(rng: Rng, person: Person, photos: Sequence[UInt8Image]) -> Person:
    """The person in other clothes: a plain colour, stripes, or a photograph's texture."""
    height, width = person.alpha.shape
    mask = clothes_mask(person)
    grey = cv2.cvtColor(person.foreground, cv2.COLOR_BGR2GRAY).astype(np.float32)
    weight = float(mask.sum())
    if weight < 100:
        return person
    mean = float((grey * mask).sum()) / weight
    folds = np.clip(grey / max(mean, 24.0), 0.35, 1.7)

    def texture(columns: int, rows: int) -> UInt8Image:
        return photo(rng, photos, columns, rows)

    cloth = fabric(rng, width, height, texture)
    worn = np.clip(cloth * folds[..., None], 0, 255)
    blend = (mask * rng.uniform(0.75, 1.0))[..., None]
    foreground = person.foreground * (1 - blend) + worn * blend
    return replace(person, foreground=foreground.astype(np.uint8))
