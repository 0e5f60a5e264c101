"""colour:#RRGGBB: one colour."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config.schemes import BackgroundScheme

if TYPE_CHECKING:
    from appliance.background.base import Background
    from appliance.config.settings import BackgroundSettings
    from appliance.media.frame import Format

_START = r"colou?r:(?://)?"


def check(uri: str) -> str:
    """The colour in canonical form: ``colour:#00b140``."""
    colour = re.fullmatch(rf"{_START}(#[0-9A-F]{{6}})", uri, re.IGNORECASE)
    if colour is None:
        raise ValueError("a colour is written colour:#RRGGBB, for example colour:#00b140")
    return f"colour:{colour[1].lower()}"


def meant(path: str) -> str | None:
    """What to write instead of a bare ``#RRGGBB``, which would be a file of that name."""
    colour = re.search(r"(?:^|/)(#[0-9A-F]{6})$", path, re.IGNORECASE)
    if colour is None or Path(path).exists():
        return None
    return f'a colour is written "colour:{colour[1].lower()}"'


def make(settings: BackgroundSettings, format: Format) -> Background:
    """A canvas of that colour."""
    from appliance.background.still import StillBackground, colour_frame

    return StillBackground(colour_frame(settings.uri[settings.uri.index("#") :], format))


SCHEME = BackgroundScheme(
    names=("colour",),
    place=20,
    written="colour:#RRGGBB",
    spelling=rf"{_START}.*",
    check=check,
    meant=meant,
    make=make,
)
