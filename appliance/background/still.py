"""Still backgrounds: made once, returned as they are."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8, Colour, Format, Frame
from appliance.media.rgb import matrix_of, rgb_to_nv12


class StillBackground:
    """One frame, for ever."""

    wants_frame = False
    error: BaseException | None = None

    def __init__(self, frame: Frame) -> None:
        self.picture: Frame | None = frame
        self._frame = frame

    def frame(self, live: Frame) -> Frame:
        """See ``Background.frame``."""
        return self._frame

    def close(self) -> None:
        """See ``Background.close``."""


def colour_frame(hexadecimal: str, format: Format) -> Frame:
    """A canvas of one colour, ``#RRGGBB``."""
    rgb = np.array([int(hexadecimal[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)
    return rgb_to_nv12(np.broadcast_to(rgb, (format.height, format.width, 3)), format.colour)


# Lit from behind the person: RGB at the light, half way, and in the corners.
_LIGHT, _MIDDLE, _DARK = (118, 136, 158), (62, 76, 98), (22, 27, 38)


def gradient_frame(format: Format) -> Frame:
    """The built-in backdrop: a soft light on a blue-grey wall, dithered so that no bands show."""
    height, width = format.height, format.width
    y = _gradient(height, width, format.colour)[:, :, 0]
    uv = _gradient(height // 2, width // 2, format.colour)[:, :, 1:]
    return Frame(_dither(y, 1), _dither(uv, 2), format.colour)


def _gradient(height: int, width: int, colour: Colour) -> F32:
    """Y, Cb, Cr of the backdrop, unrounded, sampled on a grid over the canvas."""
    rows = (np.arange(height, dtype=np.float32) + 0.5) / height
    columns = (np.arange(width, dtype=np.float32) + 0.5) / width
    # An ellipse of light, a little above the middle.
    distance = np.hypot((columns - 0.5)[None, :] / 0.62, (rows - 0.42)[:, None] / 0.70)
    fall = np.clip(distance, 0, 1)
    fall = fall * fall * (3 - 2 * fall)
    knots = np.array([_LIGHT, _MIDDLE, _DARK], np.float32)
    matrix, offset = matrix_of(colour)
    yuv = knots @ matrix.T + offset
    planes = [np.interp(fall, (0, 0.5, 1), yuv[:, plane]) for plane in range(3)]
    return np.stack(planes, axis=-1).astype(np.float32)


def _dither(plane: F32, seed: int) -> U8:
    """Round with noise of one step, so that a slope shallower than a step shows no bands."""
    noise = np.random.default_rng(seed).random(plane.shape, np.float32)
    return np.asarray(np.clip(np.floor(plane + noise), 0, 255), np.uint8)
