"""The address of a puppet, puppet://STILL?drive=CLIP&over=…: parsed, and made absolute.

Only the text is checked. A layer below ``uris``, so that the declaration of the scheme can use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from appliance.config.shapes import absolute_path, file_path, without_nul

_START = "puppet://"
_COLOUR = re.compile(r"#?([0-9a-f]{6})", re.IGNORECASE)
_WRITTEN = "a puppet is written puppet://still.png?drive=clip.mp4"

PLATE = "plate"
NAMED = {"green": "#00b140", "grey": "#808080"}


@dataclass(frozen=True, slots=True)
class PuppetAddress:
    """What an address says.

    ``over`` is "plate", "#RRGGBB", or "" where it says nothing.
    """

    still: Path
    drive: Path
    over: str


def parse(uri: str) -> PuppetAddress:
    """The parts of an address. Raises ValueError in words."""
    still, options = _parts(without_nul(uri))
    over = options.get("over", "")
    colour = _COLOUR.fullmatch(over)
    if colour is not None:
        over = f"#{colour[1].lower()}"
    elif over in NAMED:
        over = NAMED[over]
    elif over not in ("", PLATE):
        raise ValueError(f"over={over}: expected plate, {', '.join(NAMED)}, or a colour as 00b140")
    return PuppetAddress(_path(still), _path(options["drive"]), over)


def anchored(uri: str, folder: Path) -> str:
    """The address with both paths absolute, from ``folder``; unchanged if it is none."""
    try:
        still, options = _parts(uri)
    except ValueError:
        return uri  # to be reported where addresses are checked
    options["drive"] = absolute_path(options["drive"], folder)
    query = "&".join(f"{key}={value}" for key, value in options.items())
    return f"{_START}{absolute_path(still, folder)}?{query}"


def _parts(uri: str) -> tuple[str, dict[str, str]]:
    still, mark, query = uri[len(_START) :].partition("?")
    if not still:
        raise ValueError(f"the picture of a person is missing; {_WRITTEN}")
    options: dict[str, str] = {}
    for part in query.split("&") if mark else ():
        key, _, value = part.partition("=")
        if key not in ("drive", "over") or key in options:
            raise ValueError(
                f"found {part!r} after the ?; expected drive=CLIP and over=plate, each once "
                "(in a file's name, ? is written %3F, & is %26)"
            )
        options[key] = value
    if not options.get("drive"):
        raise ValueError(f"the clip that moves it is missing; {_WRITTEN}")
    return still, options


def _path(text: str) -> Path:
    """As after file://: pasted as it is, or with per cent signs."""
    return file_path(f"file://{text}")
