"""``face``: what moves an avatar's mouth while it speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from appliance.config.settings.base import Section
from appliance.config.uris import Allowed, Resolves, absolute

_NAMES = ("auto", "none", "mouths")


def _path(name: str, folder: Path) -> str:
    """A manifest's path made absolute; a driver's name stays as it is."""
    return name if name in _NAMES else absolute(name, folder)


FaceDriverName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    Resolves(_path),
    Allowed("auto, none, mouths, or the path of a manifest.yaml"),
]


class FaceSettings(Section, title="Face"):
    """What moves an avatar's mouth while it speaks."""

    driver: FaceDriverName = Field(
        "auto",
        description="what moves an avatar's mouth; auto: the mouths of its own footage, if it has",
    )
    feather: float = Field(
        0.05,
        ge=0,
        le=0.5,
        description="how softly a face's patch ends at its edge, as a fraction of its width",
    )
