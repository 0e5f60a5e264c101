"""``stages.plate``: the empty room, learnt behind the person while they move."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class PlateSettings(Section, title="Plate"):
    """The empty room, learnt behind the person while they move."""

    enabled: bool = Field(False, description="learn what stands behind the person")
