"""``stages.motion``: how the picture moves: one estimate a frame, for the stages that need one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.settings.types import ModelName


class MotionSettings(Section, title="Motion"):
    """How the picture moves: one estimate a frame, for the stages that need one."""

    enabled: bool = Field(
        False, description="estimate motion even if no stage that is on asks for it"
    )
    quality: Literal["ultrafast", "fast", "medium"] = Field(
        "fast",
        description="of the built-in estimate: ultrafast on 256x144, fast and medium on 480x270; "
        "about 1, 4 and 16 ms of processor time a frame",
    )
    model: ModelName = Field(
        "builtin", description="builtin, or a network of task flow that makes the estimate"
    )
