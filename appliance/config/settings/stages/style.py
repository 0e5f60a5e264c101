"""``stages.style``: a look, on the person, on what is behind, or on all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from appliance.config.settings.base import Section
from appliance.config.settings.types import model_path
from appliance.config.uris import Allowed, Resolves, absolute


def _look_path(name: str, folder: Path) -> str:
    """A look given as a path, made absolute; a bare name, one of the shipped, stays as it is."""
    is_path = "/" in name or Path(name).suffix
    return absolute(name, folder) if is_path else name


LookName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    Resolves(_look_path),
    Allowed("none, warm, cool-cinema, monochrome, or the path of a .cube file or of a picture"),
]
StyleModel = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    Resolves(model_path),
    Allowed("none, the name of a folder in engines/, or the path of a manifest.yaml"),
]


class StyleSettings(Section, title="Style"):
    """A look, on the person, on what is behind, or on all."""

    enabled: bool = Field(False, description="apply a look to the picture")
    on: Literal["background", "person", "all"] = Field(
        "background", description="what gets the look; all: person and background together"
    )
    look: LookName = Field(
        "warm",
        description="a shipped look by its name, a .cube file, or a picture whose colours and "
        "contrast are taken over",
    )
    strength: float = Field(
        1.0, ge=0, le=1, description="how much of the look; 0 leaves the picture as it was"
    )
    model: StyleModel = Field(
        "none",
        description="a network that paints the picture anew, before the look; its manifest says "
        "task: picture",
    )
    every: int = Field(
        4,
        ge=1,
        le=60,
        description="on moving pictures the network sees one frame in so many, and what it "
        "painted moves along in between; a still background is painted once",
    )

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return self.enabled and self.strength > 0 and (self.look != "none" or self.model != "none")

    def of(self, what: str) -> bool:
        """Whether there is anything to do to this part: ``background``, ``person``, ``all``."""
        return self.wanted and self.on == what

    @property
    def moves(self) -> bool:
        """Whether a network's painting is to move along with the picture."""
        return self.wanted and self.model != "none"
