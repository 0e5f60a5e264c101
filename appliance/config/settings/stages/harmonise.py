"""``stages.harmonise``: the person in the light of the new scene."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class HarmoniseSettings(Section, title="Harmonise"):
    """The person in the light of the new scene."""

    enabled: bool = Field(False, description="bring the person into the background's light")
