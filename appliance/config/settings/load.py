"""``load``: what happens when the machine is too slow, or too hot, for every frame."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class LoadSettings(Section, title="Load"):
    """Load shedding."""

    shed: bool = Field(
        True, description="do less when frames cannot be made in time: rougher, but not late"
    )
    hottest_c: int = Field(
        0,
        ge=0,
        le=120,
        description="do less when a sensor is this hot, degrees Celsius; 0: what each sensor says",
    )
