"""The colours of what is drawn beside the composite."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from appliance.config.settings import Companion
from appliance.media.frame import Colour
from appliance.media.rgb import rgb_to_nv12
from appliance.pixels.cpu.key_fill import black_of


@lru_cache(maxsize=8)
def plain_of(companion: Companion, colour: Colour) -> tuple[int, int, int]:
    """Y, Cb, Cr of what is shown where nobody is."""
    if not companion.colour:
        return black_of(colour)
    rgb = np.frombuffer(bytes.fromhex(companion.colour.removeprefix("#")), np.uint8)
    frame = rgb_to_nv12(np.broadcast_to(rgb, (2, 2, 3)), colour)
    return int(frame.y[0, 0]), int(frame.uv[0, 0, 0]), int(frame.uv[0, 0, 1])
