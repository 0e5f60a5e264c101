"""From the light of two pictures to the map that puts one's person into the other's light."""

from __future__ import annotations

import math

import numpy as np

from appliance.media.frame import F32, Colour
from appliance.pixels.cpu.crop import yuv_to_rgb
from appliance.stages.harmonise.transport import F64, black_of

# The order of the norm: between the mean of all (1) and the brightest spot.
_NORM = 4
# Light is bluish or reddish, from dusk to candle; it is green or magenta far less often than walls
# and leaves are, and green skin looks ill.
_GREEN = 0.35
# Luma above black below which a picture counts as this bright: else black would have no light.
_DARK = 8.0
_MOST_TINT = math.log(2)


def light_of(samples: F32, colour: Colour) -> F64:
    """The colour of a scene's light, float64 (3,): R, G and B, of luma 1.

    The Minkowski norm of each channel over the picture: Finlayson and Trezzi, "Shades of Gray and
    Colour Constancy", 2004. It lies between grey-world and the brightest spot.

    Args:
        samples: float32 (3, n): Y, Cb, Cr, 0..255.
    """
    matrix = yuv_to_rgb(colour)
    rgb = np.clip(matrix[:, :3] @ samples + matrix[:, 3:], 0, 255) / 255
    norm = np.mean(rgb**_NORM, axis=1, dtype=np.float64) ** (1 / _NORM) + _DARK / 255
    kr, kb = colour.matrix.kr_kb
    tint = np.log(norm / (np.array([kr, 1 - kr - kb, kb]) @ norm))
    warm, green = (tint[0] - tint[2]) / 2, tint[1] - (tint[0] + tint[2]) / 2
    warm = float(np.clip(warm, -_MOST_TINT, _MOST_TINT))
    made = np.exp(np.array([warm, _GREEN * float(green), -warm]))
    return np.asarray(made / (np.array([kr, 1 - kr - kb, kb]) @ made), np.float64)


def relit(person: float, room: float, scene: float, light: F64, colour: Colour) -> F64:
    """The map into a scene's light, float64 (3, 4) of Y, Cb, Cr, 1; black stays black.

    Each of R, G and B gets the gain of the light (von Kries), all of them the scene's brightness:
    but only as far as it is brighter, or darker, than both the person and their room. For a person
    in dark clothes, or of dark skin, is not badly lit.

    Args:
        person, room, scene: mean luma.
        light: see ``light_of``.
    """
    black = black_of(colour)
    person, room, scene = (max(luma - black, _DARK) for luma in (person, room, scene))
    gain = scene / min(max(scene, min(person, room)), max(person, room))
    # A black backdrop says nothing about the light before it.
    gain **= min(1.0, (scene - _DARK) / _DARK)
    matrix = yuv_to_rgb(colour)[:, :3].astype(np.float64)
    linear = np.linalg.inv(matrix) @ (light[:, None] * matrix) * gain
    neutral = np.array([black, 128.0, 128.0])
    return np.column_stack([linear, neutral - linear @ neutral])
