"""Things in the colours of whoever stands before them: what colour alone cannot tell apart.

A dark pillar behind a dark jumper, a curtain the shade of a face. Without them a network learns
that what looks like the person's clothes and touches them is the person.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from export.labels.teacher import FloatImage, UInt8Image
from export.synthesis.backgrounds import Rng
from export.synthesis.furniture import furnish
from export.synthesis.people import Person

_SOLID = 230  # alpha from which on a pixel is the person's alone


def of_person(rng: Rng, person: Person) -> Callable[[int, int], FloatImage]:
    """A surface of a person's own colours: their clothes' weave, or plain in a colour of theirs."""
    rows, columns = np.nonzero(person.alpha[: person.rows] > _SOLID)
    plain = rng.random() < 0.6

    def surface(width: int, height: int) -> FloatImage:
        if len(rows) == 0:
            return np.full((height, width, 3), 128, np.float32)
        at = int(rng.integers(len(rows)))
        y, x = int(rows[at]), int(columns[at])
        if plain:
            colour = person.foreground[y, x].astype(np.float32) * rng.uniform(0.8, 1.25)
            return np.full((height, width, 3), 1, np.float32) * colour
        half = int(rng.integers(4, 24))
        patch = person.foreground[max(0, y - half) : y + half, max(0, x - half) : x + half]
        # Mirrored back and forth, as cloth repeats.
        tile = np.hstack([patch, patch[:, ::-1]])
        tile = np.vstack([tile, tile[::-1]])
        times = (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1)
        return np.tile(tile, times)[:height, :width].astype(np.float32)

    return surface


def toned(
    surface: Callable[[int, int], FloatImage], table: UInt8Image
) -> Callable[[int, int], FloatImage]:
    """The surface through a tone curve (1, 256, 3)."""

    def shown(width: int, height: int) -> FloatImage:
        colours = np.clip(surface(width, height), 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(colours, table), np.float32)

    return shown


def lookalikes(
    rng: Rng, picture: UInt8Image, people: list[tuple[Person, UInt8Image]]
) -> UInt8Image:
    """The picture, BGR uint8 (h, w, 3), with one to three things in colours of `people`.

    With each person comes the tone curve (1, 256, 3) that they are shown in.
    """
    for _ in range(int(rng.integers(1, 4))):
        person, table = people[int(rng.integers(len(people)))]
        picture = furnish(rng, picture, toned(of_person(rng, person), table))
    return picture
