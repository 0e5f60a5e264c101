"""``canvas``, ``background`` and ``composite``: the picture that goes out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.settings.types import Rate, Size
from appliance.config.uris import BackgroundUri


class Canvas(Section):
    """The picture that goes out."""

    size: Size = Field("auto", description="output size, WIDTHxHEIGHT; auto: the source's own")
    fps: Rate = Field("auto", description="output rate, frames a second; auto: the source's own")
    placeholder: Literal["slate", "background"] = Field(
        "slate",
        description="shown while there is no matte: a slate that says why, or the background alone",
    )


class Background(Section):
    """What stands behind the person."""

    uri: BackgroundUri = Field(
        "gradient://",
        description="a picture, a video, a colour or a gradient; "
        "blur:// is the real scene, out of focus: it does NOT hide the room",
    )
    fit: Literal["fill", "fit"] = Field(
        "fill", description="fill: cover the canvas, cutting the overhang; fit: show all, with bars"
    )
    blur_radius: float = Field(
        0.03, gt=0, le=0.25, description="radius for blur://, as a fraction of the picture's height"
    )


class Composite(Section):
    """How the person is put on the background."""

    feather: float = Field(
        0.111,
        ge=0,
        le=0.5,
        description="ramp at the ROI's border, as a fraction of its sides; 0: hard edge",
    )
