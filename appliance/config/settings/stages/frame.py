"""``stages.frame``: the person is framed: followed, centred, brought to size."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class FramingSettings(Section, title="Framing"):
    """The person is framed: followed, centred, brought to size."""

    enabled: bool = Field(False, description="frame the person over a still background")
    size: float = Field(
        0.75,
        ge=0.2,
        le=3,
        description="height of the people as a part of the canvas' height, as far as the camera "
        "sees them; above 1 closer, their lower part is then out of the picture",
    )
    headroom: float = Field(
        0.12, ge=0, le=0.5, description="room above the head, as a part of the canvas' height"
    )
    zoom: float = Field(
        2.0,
        ge=1,
        le=4,
        description="most that the camera's picture is enlarged; the person is as much less sharp",
    )
    calm: float = Field(
        0.5,
        ge=0,
        le=1,
        description="0 follows soon and fast; 1 seldom moves, and then slowly",
    )
