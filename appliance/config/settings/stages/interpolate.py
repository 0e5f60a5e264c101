"""``stages.interpolate``: more frames than the camera gives."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.settings.types import ModelName


class InterpolateSettings(Section, title="Interpolate"):
    """More frames than the camera gives."""

    enabled: bool = Field(False, description="make frames between those of the camera")
    mode: Literal["between", "ahead"] = Field(
        "between",
        description="between: half way between two frames, which come out half a step later for "
        "it; ahead: where the person will be half a step on, without any delay",
    )
    model: ModelName = Field(
        "builtin",
        description="builtin, or a network of task between that makes the frames half way, on the "
        "processor",
    )
