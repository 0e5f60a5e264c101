"""``canvas``: the picture that goes out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.settings.types import Rate, Size


class CanvasSettings(Section, title="Canvas"):
    """The picture that goes out."""

    size: Size = Field("auto", description="output size, WIDTHxHEIGHT; auto: the source's own")
    fps: Rate = Field("auto", description="output rate, frames a second; auto: the source's own")
    placeholder: Literal["slate", "background"] = Field(
        "slate",
        description="shown while there is no matte: a slate, or the background alone",
    )
