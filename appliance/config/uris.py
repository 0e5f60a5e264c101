"""Addresses in the settings: parsed, made absolute, and their types.

Only the form is checked here, so that a slip is reported with its line in the file. Whether the
camera, host or file exists is found out when it is opened. What a scheme's addresses look like is
declared in its own file; see ``config.schemes``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

from appliance.config.schemes import (
    BACKGROUNDS,
    FAMILIES,
    OUTPUTS,
    SOURCES,
    BackgroundScheme,
    Family,
    OutputScheme,
    S,
    Scheme,
    SourceScheme,
)
from appliance.config.shapes import absolute_path, without_nul

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Allowed(str):
    """What a field may hold, in words; put into the field's ``Annotated``."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Resolves:
    """Marks a field that may hold a relative path; ``resolve(text, folder)`` makes it absolute."""

    resolve: Callable[[str, Path], str]


@cache
def _spellings() -> tuple[tuple[re.Pattern[str], str], ...]:
    """For schemes not written ``name://``: their pattern, and their name."""
    return tuple(
        (re.compile(scheme.spelling, re.IGNORECASE), scheme.names[0])
        for family in FAMILIES
        for scheme in family.all()
        if scheme.spelling is not None
    )


def scheme_of(uri: str) -> str:
    """The scheme in lower case; "" for a plain path (and for ``auto``); "colour" for a colour."""
    for spelling, name in _spellings():
        if spelling.fullmatch(uri):
            return name
    match = _SCHEME.match(uri)
    return match[1].lower() if match else ""


def source_scheme(uri: str) -> SourceScheme | None:
    """The scheme of a source's address other than ``auto``; None if it is unknown."""
    return SOURCES.named(scheme_of(uri))


def output_scheme(uri: str) -> OutputScheme | None:
    """The scheme of an output's address; None if it is unknown."""
    return OUTPUTS.named(scheme_of(uri))


def background_scheme(uri: str) -> BackgroundScheme | None:
    """The scheme of a background's address; None if it is unknown."""
    return BACKGROUNDS.named(scheme_of(uri))


def path_of(uri: str) -> Path | None:
    """The path of a plain path or a ``file:///`` or ``v4l2:///`` address, None for all others."""
    if uri == "auto":
        return None
    name = scheme_of(uri)
    for family in FAMILIES:
        scheme = family.named(name)
        if scheme is not None and scheme.path is not None:
            path: Path = scheme.path(uri)
            return path
    return None


def files_of(uri: str, scheme: Scheme | None) -> tuple[Path, ...]:
    """The plain files that an address of this scheme names; none if it names none."""
    if scheme is None or not scheme.has_file:
        return ()
    if scheme.files is not None:
        return scheme.files(uri)
    path = path_of(uri)
    return () if path is None else (path,)


def port_of(uri: str) -> int:
    """The port of an output. Raises ValueError for a bad one, KeyError if it is no server."""
    port = urlsplit(uri).port
    if port is not None:
        return port
    scheme = output_scheme(uri)
    return (scheme.ports if scheme is not None else {})[scheme_of(uri)]


def absolute(uri: str, folder: Path) -> str:
    """A plain path made absolute, starting from ``folder``; ``~`` is the user's home.

    So are the paths in an address whose scheme has some (``Scheme.anchored``). Everything else with
    a scheme, and ``auto``, is returned unchanged.
    """
    if uri in ("", "auto"):
        return uri
    name = scheme_of(uri)
    if name:
        schemes = (family.named(name) for family in FAMILIES)
        anchored = next((s.anchored for s in schemes if s is not None and s.anchored), None)
        return uri if anchored is None else anchored(uri, folder)
    return absolute_path(uri, folder)


def _checked(uri: str, family: Family[S]) -> str:
    """The address as its scheme normalises it. Raises ValueError in words."""
    name = scheme_of(uri)
    found = family.named(name)
    if not name or found is None:
        for scheme in family.all():
            if mistake := scheme.meant(uri):
                raise ValueError(mistake)
    if found is None:
        raise ValueError(f"{name}:// is none of {family.known()}")
    return without_nul(found.check(uri))


def _source(uri: str) -> str:
    return uri if uri == "auto" else _checked(uri, SOURCES)


def _background(uri: str) -> str:
    return _checked(uri, BACKGROUNDS)


def _output(uri: str) -> str:
    if uri == "auto":
        raise ValueError("an output has no auto; the usual one is rtsp://127.0.0.1:8554/live")
    return _checked(uri, OUTPUTS)


_Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]

SourceUri = Annotated[
    _Text,
    AfterValidator(_source),
    Resolves(absolute),
    # Paths, which have no scheme either, are listed next to auto.
    Allowed(f"auto, {SOURCES.written(bare_first=True)}"),
]
BackgroundUri = Annotated[
    _Text, AfterValidator(_background), Resolves(absolute), Allowed(BACKGROUNDS.written())
]
OutputUri = Annotated[
    _Text, AfterValidator(_output), Resolves(absolute), Allowed(OUTPUTS.written())
]
