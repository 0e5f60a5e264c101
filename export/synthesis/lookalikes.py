"""Things in the colours of whoever stands before them: what colour alone cannot tell apart.

A dark pillar behind a dark jumper, a curtain the shade of a face. Without them a network learns
that what looks like the person's clothes and touches them is the person.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from export.images import FloatImage, UInt8Image
from export.synthesis.backgrounds import Rng, wall
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


def _bar(
    rng: Rng, picture: UInt8Image, surface: Callable[[int, int], FloatImage], near: FloatImage
) -> UInt8Image:
    """The picture with a pillar, a rail or a screen's bezel through about `near`, (2,) in pixels.

    It reaches out of the picture at one end at least. `surface` as in `furnish`.
    """
    height, width = picture.shape[:2]
    angle = np.pi / 2 if rng.random() < 0.7 else 0.0
    angle += rng.normal(0, 0.05 if rng.random() < 0.6 else 0.3)
    along = np.array([np.cos(angle), np.sin(angle)])
    centre = near + rng.normal(0, 0.04 * width, 2)
    # From behind the person to far outside, or across the whole picture.
    start = -2.0 * width if rng.random() < 0.6 else rng.normal(0, 0.1) * width
    ends = np.stack([centre + start * along, centre + 2.0 * width * along])
    if rng.random() < 0.5:
        ends = 2 * centre - ends
    cover = np.zeros((height, width), np.uint8)
    thick = max(1, round(float(np.exp(rng.uniform(np.log(0.008), np.log(0.14)))) * width))
    (x0, y0), (x1, y1) = ends.round().astype(int).tolist()
    cv2.line(cover, (x0, y0), (x1, y1), 255, thick, cv2.LINE_AA)
    share = cover.astype(np.float32)[..., None] / 255.0
    shown = surface(width, height) * rng.uniform(0.5, 1.2) * share + picture * (1 - share)
    return np.clip(shown, 0, 255).astype(np.uint8)


def _rim(rng: Rng, person: Person, pose: FloatImage) -> FloatImage:
    """A random point of the person's outline in the frame, (2,) in pixels."""
    solid = (person.alpha[: person.rows] > _SOLID).astype(np.uint8)
    rows, columns = np.nonzero(cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3))))
    if len(rows) == 0:
        rows, columns = np.array([person.rows // 2]), np.array([person.alpha.shape[1] // 2])
    at = int(rng.integers(len(rows)))
    return np.asarray(pose @ np.array([columns[at], rows[at], 1.0]), np.float32)


def lookalikes(
    rng: Rng, picture: UInt8Image, people: list[tuple[Person, UInt8Image, FloatImage]]
) -> UInt8Image:
    """The picture, BGR uint8 (h, w, 3), with one to three things in colours of `people`.

    With each person comes the tone curve (1, 256, 3) that they are shown in, and their pose, 2x3,
    cutout to frame: half of the things are bars that touch their outline. Now and then a wall
    about the shade of somebody's skin or clothes is all there is behind them.
    """
    if rng.random() < 0.2:
        person, table, _ = people[int(rng.integers(len(people)))]
        height, width = picture.shape[:2]
        shade = toned(of_person(rng, person), table)(width, height).mean(axis=(0, 1))
        picture = wall(rng, width, height, shade * rng.uniform(0.8, 1.4))
    for _ in range(int(rng.integers(1, 4))):
        person, table, pose = people[int(rng.integers(len(people)))]
        surface = toned(of_person(rng, person), table)
        if rng.random() < 0.5:
            picture = _bar(rng, picture, surface, _rim(rng, person, pose))
        else:
            picture = furnish(rng, picture, surface)
    return picture
