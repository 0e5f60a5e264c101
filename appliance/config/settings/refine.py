"""``refine``: edges that follow the full-size picture."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class RefineSettings(Section, title="Refine"):
    """Edges that follow the full-size picture."""

    enabled: bool = Field(True, description="fast guided filter with luma as the guide")
    radius: int = Field(1, ge=1, le=32, description="window radius, network pixels")
    epsilon: float = Field(
        1e-3,
        gt=0,
        le=1,
        description="smoothness: luma variance (0..1 squared) below which edges are ignored",
    )
    levels: float = Field(
        0.05,
        ge=0,
        le=0.4,
        description="alpha below this becomes 0, above one minus this becomes 1: takes off haze",
    )
    decontaminate: bool = Field(
        True, description="take the old background's colour out of soft pixels"
    )
