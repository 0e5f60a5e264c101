"""``stages.keyer``: a chroma keyer for those who stand before a green or blue wall."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from appliance.config.settings.base import Section
from appliance.config.uris import Allowed

AUTO = "auto"


def _checked(text: str) -> str:
    if text != AUTO and not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError("expected auto, or the wall's colour as #RRGGBB, for example #00b140")
    return text


WallColour = Annotated[
    str, AfterValidator(_checked), Field(max_length=64), Allowed("auto, or #RRGGBB")
]


class KeyerSettings(Section, title="Keyer"):
    """A chroma keyer for those who stand before a green or blue wall."""

    enabled: bool = Field(False, description="key the wall out, together with the network")
    colour: WallColour = Field(
        AUTO, description="the wall's colour; auto: the green or blue that most of it has"
    )
    within: Literal["wall", "picture"] = Field(
        "wall", description="where the keyer without a network looks for people"
    )
    tolerance: float = Field(
        0.1,
        ge=0,
        le=0.5,
        description="how unlike the wall, of the way to the person, is still taken for the wall",
    )
    spill: float = Field(
        1.0, ge=0, le=1, description="how much of the wall's light on the person is taken away"
    )
    shadows: float = Field(
        0.0, ge=0, le=1, description="how much of the shadows on the wall the background is given"
    )
