"""``stages.select``: things shown beside the person, or instead of them, by class."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class SelectSettings(Section, title="Select"):
    """Things shown beside the person, or instead of them, by class."""

    enabled: bool = Field(False, description="show things of the chosen classes, too")
