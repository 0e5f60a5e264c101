"""``stages.captions``: what is said, drawn into the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from appliance.config.settings.base import Section
from appliance.config.uris import Allowed, Resolves, absolute


def _font_path(name: str, folder: Path) -> str:
    """A font given as a file, made absolute; a family's name stays as it is."""
    return absolute(name, folder) if is_font_file(name) else name


def is_font_file(name: str) -> bool:
    """Whether a font is named by its file, not by its family."""
    return "/" in name or Path(name).suffix.lower() in (".ttf", ".otf", ".ttc", ".otc")


FontName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f]+$"),
    Resolves(_font_path),
    Allowed("a family's name such as Noto Sans Bold, or the path of a .ttf or .otf file"),
]
Colour = Annotated[
    str,
    StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$", to_lower=True),
    Allowed("#RRGGBB in quotes"),
]


class CaptionsSettings(Section, title="Captions"):
    """What is said, drawn into the picture."""

    enabled: bool = Field(False, description="draw what is said, as the source knows it")
    font: FontName = Field(
        "Noto Sans",
        description="the letters; whatever they lack comes from the system's other fonts",
    )
    size: float = Field(
        0.05, ge=0.02, le=0.2, description="size of the letters as a part of the picture's height"
    )
    place: Literal["bottom", "top"] = Field("bottom", description="where the captions stand")
    margin: float = Field(
        0.07,
        ge=0,
        le=0.4,
        description="room between them and that edge, as a part of the picture's height",
    )
    width: float = Field(
        0.8, ge=0.2, le=1, description="the longest line, as a part of the picture's width"
    )
    lines: int = Field(
        2, ge=1, le=6, description="most lines at once; of a longer cue they follow one another"
    )
    colour: Colour = Field("#ffffff", description="the letters' colour")
    outline: float = Field(
        0.06,
        ge=0,
        le=0.2,
        description="width of the edge around the letters, as a part of their size; 0: none",
    )
    box: float = Field(
        0.7, ge=0, le=1, description="how much a box behind the letters covers; 0: no box"
    )
    box_colour: Colour = Field("#000000", description="colour of the box and of the edge")
