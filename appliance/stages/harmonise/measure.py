"""What is measured of the person and the scene, and the map that follows from it."""

from __future__ import annotations

import numpy as np

from appliance.config.settings.stages.harmonise import HarmoniseSettings
from appliance.media.frame import F32, U8, Colour, Format, Rect
from appliance.stages.harmonise.follow import LightMap
from appliance.stages.harmonise.relit import light_of, relit
from appliance.stages.harmonise.transport import colours_of, samples_of, transport

EVERY = 5
"""Frames from one measurement to the next."""

BEHIND_SOFT = 0.035
"""How far out of focus the light behind is, of the picture's longer side."""

# Of the frame: a matte that shows less is no person to measure.
_LEAST = 0.01
# Alpha from which a pixel is the person and nothing else.
_SHOWS = 0.95

# Luma, Cb and Cr of a room that nothing is known of.
_UNKNOWN_ROOM = np.float32(128)


def without_room(planes: F32, alpha: F32) -> None:
    """Grey, in place, where nobody is, in planes of a frame that came with its matte.

    There such a frame may hold anything. Shapes and ranges: see ``measure``.
    """
    planes[:, alpha == 0] = _UNKNOWN_ROOM


def measure(
    light: LightMap, settings: HarmoniseSettings, format: Format, planes: F32, alpha: F32,
    rect: Rect, luma: U8, chroma: U8,
) -> None:  # fmt: skip
    """Tell ``light`` where the person's colours should go, if there is enough of a person.

    Args:
        planes: float32 (3, rows, columns), 0..255: the camera's picture over ``rect``.
        alpha: float32 (rows, columns), 0..1, of the same place.
        luma, chroma: uint8 (rows, columns), (rows, columns, 2): what is behind, made small.
    """
    there = alpha[::2, ::2] >= _SHOWS
    if float(there.mean()) * rect.area < _LEAST * format.width * format.height:
        return
    person = colours_of(np.ascontiguousarray(planes[:, ::2, ::2][:, there]), skin=True)
    if not np.isfinite(person.covariance).all():
        return
    scene = samples_of(luma, chroma)
    if settings.match == "colours":
        aim = transport(person, colours_of(scene))
    else:
        aim = _in_light(
            float(person.mean[0]), float(planes[0, ::2, ::2].mean()), scene, format.colour
        )
    light.measured(aim, person)


def _in_light(person: float, room: float, scene: F32, colour: Colour) -> np.ndarray:
    return relit(person, room, float(scene[0].mean()), light_of(scene, colour), colour)
