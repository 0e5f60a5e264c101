"""``background``: what stands behind the person."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.uris import BackgroundUri


class BackgroundSettings(Section, title="Background"):
    """What stands behind the person."""

    uri: BackgroundUri = Field(
        "gradient://",
        description="a picture, a video, a colour or a gradient; "
        "blur:// is the real scene, out of focus: it does NOT hide the room",
    )
    fit: Literal["fill", "fit"] = Field(
        "fill", description="fill: cover the canvas, cutting the overhang; fit: show all, with bars"
    )
    blur_radius: float = Field(
        0.03, gt=0, le=0.25, description="radius for blur://, as a fraction of the picture's height"
    )
