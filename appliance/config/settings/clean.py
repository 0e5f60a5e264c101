"""``clean``: which parts of the matte stay."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section


class CleanSettings(Section, title="Clean"):
    """Which connected parts of the matte stay."""

    enabled: bool = Field(True, description="remove floating blobs")
    threshold: float = Field(
        0.3, gt=0, lt=1, description="alpha from which a pixel counts as person"
    )
    keep: Literal["taking-part", "all", "largest"] = Field(
        "taking-part",
        description="people who take part (whole, near and there long enough), all parts above "
        "min_area, or only the largest",
    )
    min_area: float = Field(
        0.05, ge=0, le=1, description="smallest part kept, as a fraction of the largest part's area"
    )
    grow: int = Field(4, ge=0, le=32, description="soft hair kept around a part, network pixels")
