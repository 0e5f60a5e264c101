"""``stages.mattes``: mattes drawn by hand: what is always room, and what is always kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from appliance.config.polygons import (
    MOST_CHARACTERS,
    MOST_POINTS,
    MOST_POLYGONS,
    NONE,
    parse_polygons,
)
from appliance.config.settings.base import Section
from appliance.config.uris import Allowed


def _checked(text: str) -> str:
    if not text.strip():
        return NONE
    parse_polygons(text)
    return text


Polygons = Annotated[
    str,
    # Read in full by its validator, which says what is wrong.
    AfterValidator(_checked),
    Field(max_length=2 * MOST_CHARACTERS),
    Allowed(
        f"none, or up to {MOST_POLYGONS} polygons of 3 to {MOST_POINTS} points as x,y x,y x,y in "
        "fractions of the picture, with a semicolon between two"
    ),
]


class MattesSettings(Section, title="Mattes"):
    """Mattes drawn by hand: what is always room, and what is always kept."""

    enabled: bool = Field(False, description="apply the polygons drawn by hand")
    room: Polygons = Field(
        NONE, description="garbage mattes: within these polygons nothing is ever shown"
    )
    keep: Polygons = Field(
        NONE,
        description="hold-out mattes: these polygons always show the live picture, with the room",
    )
    feather: float = Field(
        2.0,
        ge=0,
        le=64,
        description="pixels of the picture over which a polygon's edge fades: outwards where it "
        "is room, inwards where it is kept",
    )
