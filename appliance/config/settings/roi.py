"""``roi``: where the person is going to be."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class RoiSettings(Section, title="Roi"):
    """Where the person is going to be."""

    enabled: bool = Field(True, description="off: the network always sees the whole picture")
    margin: float = Field(
        0.2, ge=0, le=1, description="room around the person, as a fraction of their box"
    )
    level: float = Field(
        0.6, gt=0, le=1, description="smoothing of the box (a in the formula); 1: none"
    )
    trend: float = Field(
        0.2, ge=0, le=1, description="smoothing of its speed (b in the formula); 0: none"
    )
    hold: float = Field(
        0.5,
        ge=0,
        le=0.95,
        description="the ROI rests until the person has used up this part of the margin; 0: never",
    )
    ramp: float = Field(
        0.111,
        ge=0,
        le=0.5,
        description="fading at the ROI's border, as a fraction of its sides; 0: a hard edge",
    )
    rescan_s: float = Field(
        1.0, ge=0.1, le=60, description="look at the whole picture this often, seconds"
    )
    min_size: float = Field(
        0.15, gt=0, le=1, description="smallest ROI, as a fraction of the picture's height"
    )
    split: bool = Field(
        True,
        description="people far apart are each looked at closely, in parts of the network's input",
    )
