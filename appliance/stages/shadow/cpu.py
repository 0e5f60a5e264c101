"""The person's soft shadow on what is behind, on the CPU."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import U8, Frame
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.harmonise.cpu import small_alpha


class ShadowSteps:
    """Darkens a copy of what is behind. Its memory is taken when it is first wanted."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._shade: U8 | None = None
        self._behind: Frame | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def shadow(self, work: Work) -> None:
        """What is behind, darker near the person; not in their own room, which has its shadows."""
        assert work.behind is not None
        if work.at_home:
            return
        behind, f = work.behind, self._common.format
        if self._shade is None or self._behind is None:
            self._shade = np.empty((f.height, f.width), np.uint8)
            self._behind = cpu.empty_layer(f.width, f.height, f.colour).front
        alpha = small_alpha(work, cpu.light_grid(f.width, f.height))
        strength = self._common.settings.stages.harmonise.contact_shadow
        small = cpu.contact_shadow(alpha, strength)
        cv2.resize(small, (f.width, f.height), self._shade, interpolation=cv2.INTER_LINEAR)
        out = Frame(self._behind.y, self._behind.uv, behind.colour, behind.pts)
        cpu.darken(behind, self._shade, out)
        work.behind = out
