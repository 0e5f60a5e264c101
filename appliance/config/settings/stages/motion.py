"""``stages.motion``: how the picture moves: one estimate a frame, for the stages that need one."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class MotionSettings(Section, title="Motion"):
    """How the picture moves: one estimate a frame, for the stages that need one."""

    enabled: bool = Field(
        False, description="estimate motion even if no stage that is on asks for it"
    )
