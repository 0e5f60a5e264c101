"""``steady``: the matte, smoothed over time."""

from __future__ import annotations

from pydantic import Field, model_validator

from appliance.config.settings.base import Section, rule


class SteadySettings(Section, title="Steady"):
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
    def _low_below_high(self) -> SteadySettings:
        if self.motion_low >= self.motion_high:
            raise rule(
                "motion_low",
                f"found {self.motion_low:g}; expected less than motion_high, "
                f"which is {self.motion_high:g}",
                "motion_high",
            )
        return self
