"""``stages.harmonise``: the person in the light of the new scene."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section


class HarmoniseSettings(Section, title="Harmonise"):
    """The person in the light of the new scene."""

    enabled: bool = Field(False, description="bring the person into the background's light")
    strength: float = Field(
        0.4,
        ge=0,
        le=1,
        description="how far the person's colours follow the background's; 0: not at all",
    )
    match: Literal["light", "colours"] = Field(
        "light",
        description="light: the tint and brightness of the background's light. colours: its mean "
        "and spread of colours, a look that takes colour out of skin before a grey wall",
    )
    light_wrap: float = Field(
        0.2,
        ge=0,
        le=1,
        description="how much of the background's light comes round the person's edge",
    )
    wrap_width: float = Field(
        0.012,
        ge=0.002,
        le=0.1,
        description="how far that light reaches, as a part of the picture's longer side",
    )
    contact_shadow: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how dark a soft shadow the person throws on the background; 0: none",
    )

    @property
    def throws_shadow(self) -> bool:
        """Whether the person's shadow is wanted."""
        return self.enabled and self.contact_shadow > 0
