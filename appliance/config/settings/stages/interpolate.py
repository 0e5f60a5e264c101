"""``stages.interpolate``: more frames than the camera gives."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class InterpolateSettings(Section, title="Interpolate"):
    """More frames than the camera gives."""

    enabled: bool = Field(False, description="make frames between those of the camera")
