"""What a look for things found, as the steps hand it on."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.media.frame import F32
from appliance.stages.roi import Box


@dataclass(frozen=True, slots=True)
class Things:
    """Things of the chosen classes.

    Attributes:
        share: float32 (rows, columns), 0..1, on a grid over the whole frame.
        box: around them, in frame pixels; None where there are none.
    """

    share: F32
    box: Box | None
