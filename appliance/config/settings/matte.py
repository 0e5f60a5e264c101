"""``clean``, ``steady`` and ``refine``: what happens to the network's alpha."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from appliance.config.settings.base import Section, rule


class Clean(Section):
    """Which connected parts of the matte stay."""

    enabled: bool = Field(True, description="remove floating blobs")
    threshold: float = Field(
        0.3, gt=0, lt=1, description="alpha from which a pixel counts as person"
    )
    keep: Literal["largest", "all"] = Field(
        "all", description="only the largest part, or all above min_area"
    )
    min_area: float = Field(
        0.05, ge=0, le=1, description="smallest part kept, as a fraction of the largest part's area"
    )
    grow: int = Field(4, ge=0, le=32, description="soft hair kept around a part, network pixels")


class Steady(Section):
    """Motion-guided smoothing over time."""

    enabled: bool = Field(
        True, description="still edges stop shimmering; moving ones are left alone"
    )
    strength: float = Field(
        0.85, ge=0, lt=1, description="weight of the last matte where nothing moves"
    )
    motion_low: float = Field(
        1.5, ge=0, le=255, description="change of the picture taken for noise, of 255"
    )
    motion_high: float = Field(
        6.0, gt=0, le=255, description="change of the picture taken for motion, of 255"
    )

    @model_validator(mode="after")
    def _low_below_high(self) -> Steady:
        if self.motion_low >= self.motion_high:
            raise rule(
                "motion_low",
                f"found {self.motion_low:g}; expected less than motion_high, "
                f"which is {self.motion_high:g}",
                "motion_high",
            )
        return self


class Refine(Section):
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
