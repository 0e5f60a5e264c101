"""``stages.mattes``: mattes drawn by hand: what is always room, and what is always kept."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class MattesSettings(Section, title="Mattes"):
    """Mattes drawn by hand: what is always room, and what is always kept."""

    enabled: bool = Field(False, description="apply the polygons drawn by hand")
