"""``composite``: how the person is put on the background."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class CompositeSettings(Section, title="Composite"):
    """How the person is put on the background."""

    feather: float = Field(
        0.111,
        ge=0,
        le=0.5,
        description="ramp at the ROI's border, as a fraction of its sides; 0: hard edge",
    )
