"""``stages.style``: a look, on the person, on what is behind, or on all."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class StyleSettings(Section, title="Style"):
    """A look, on the person, on what is behind, or on all."""

    enabled: bool = Field(False, description="apply a look to the picture")
