"""The real scene, out of focus. It does not hide the room: shapes, colours and movement show."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import Format, Frame
from appliance.pixels.cpu.blur import Blur


class BlurBackground:
    """Blurs each live frame."""

    wants_frame = True
    error: BaseException | None = None
    picture: Frame | None = None

    def __init__(self, format: Format, radius: float) -> None:
        """``radius`` is the blur's sigma as a fraction of the picture's height."""
        self.radius = radius
        self._blur = Blur(format, radius)
        self._y = np.empty((format.height, format.width), np.uint8)
        self._uv = np.empty((format.height // 2, format.width // 2, 2), np.uint8)

    def frame(self, live: Frame) -> Frame:
        """See ``Background.frame``."""
        out = Frame(self._y, self._uv, live.colour, live.pts, live.captured, live.serial)
        self._blur(live, out)
        return out

    def close(self) -> None:
        """See ``Background.close``."""
