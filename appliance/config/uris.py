"""Addresses in the settings: which schemes there are, and what each must look like.

Only the shape is judged here, so that a slip is told with its line in the file. Whether the camera,
the host or the file is there is found out by whoever opens it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, StringConstraints

from appliance.config.secrets import references
from appliance.system.redact import remember

SOURCE_SCHEMES = ("v4l2", "rtsp", "rtsps", "csi", "file", "test", "demo")
BACKGROUND_SCHEMES = ("file", "colour", "gradient", "blur")
RECORDINGS = (".mp4", ".mkv")
OUTPUT_SCHEMES = ("rtsp", "rtsps", "display", "file", "v4l2", "null")
SERVER_PORTS = {"rtsp": 8554, "rtsps": 8322}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_COLOUR = re.compile(r"colou?r:(?://)?(.*)", re.IGNORECASE)


class Allowed(str):
    """What may stand in a field, in words; put into the field's ``Annotated``."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Resolves:
    """Marks a field that may hold a relative path; ``resolve(text, folder)`` makes it absolute."""

    resolve: Callable[[str, Path], str]


def scheme_of(uri: str) -> str:
    """The scheme in lower case; "" for a plain path (and for ``auto``); "colour" for a colour."""
    if _COLOUR.fullmatch(uri):
        return "colour"
    match = _SCHEME.match(uri)
    return match[1].lower() if match else ""


def path_of(uri: str) -> Path | None:
    """The path of a plain path or a ``file:///`` or ``v4l2:///`` address, None for all others."""
    scheme = scheme_of(uri)
    if scheme == "" and uri != "auto":
        return Path(uri)
    if scheme == "file":
        rest = uri[len("file://") :].removeprefix("localhost")
        # People paste paths behind file:// as they are, per cent signs and all.
        return Path(rest) if os.path.lexists(rest) else Path(unquote(rest))
    if scheme == "v4l2":
        return Path(uri[len("v4l2://") :])
    return None


def port_of(uri: str) -> int:
    """The port that an ``rtsp://`` or ``rtsps://`` output listens at. Raises ValueError."""
    port = urlsplit(uri).port
    return SERVER_PORTS[scheme_of(uri)] if port is None else port


def absolute(uri: str, folder: Path) -> str:
    """A plain path made absolute, starting from ``folder``; ``~`` is the user's home.

    Everything with a scheme, and ``auto``, is given back as it is.
    """
    if uri in ("", "auto") or scheme_of(uri):
        return uri
    path = Path(uri)
    if uri == "~" or uri.startswith("~/"):
        try:
            path = path.expanduser()
        except RuntimeError:  # no home: a service without one; let the path be reported as it is
            return uri
    return str(folder / path)


def _known(uri: str, schemes: tuple[str, ...]) -> str:
    scheme = scheme_of(uri)
    if scheme and scheme not in schemes:
        raise ValueError(f"{scheme}:// is none of {', '.join(f'{s}://' for s in schemes)}")
    if scheme == "file" and not re.match(r"file://(localhost)?/", uri, re.IGNORECASE):
        raise ValueError("a file address has three slashes: file:///home/me/clip.mp4")
    if scheme == "v4l2" and not uri.startswith("v4l2:///dev/"):
        raise ValueError("a device is written v4l2:///dev/video0")
    if scheme in ("rtsp", "rtsps"):
        _check_rtsp(uri, listen=schemes is OUTPUT_SCHEMES)
    if "\0" in uri:
        raise ValueError("an address cannot hold a NUL character")
    return uri


def _check_rtsp(uri: str, *, listen: bool) -> None:
    """An address to connect to, or to listen at (where port 0 takes a free one)."""
    try:
        parts = urlsplit(uri)
        if parts.password is not None:
            remember(parts.password)  # before anything is said of this address
        port = parts.port
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    if not parts.hostname or (port == 0 and not listen):
        raise ValueError("an RTSP address is written rtsp://host:port/path, port 1 to 65535")


def _source(uri: str) -> str:
    if re.match(r"/dev/video\d", uri):
        raise ValueError(f"a camera is written v4l2://{uri}")
    if scheme_of(uri) == "csi" and not re.fullmatch(r"csi://\d{0,2}", uri, re.IGNORECASE):
        raise ValueError("a CSI camera is written csi://0")
    if scheme_of(uri) in ("rtsp", "rtsps"):
        references(uri)
    return _known(uri, SOURCE_SCHEMES)


def _background(uri: str) -> str:
    colour = _COLOUR.fullmatch(uri)
    if colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour[1]):
        raise ValueError("a colour is written colour:#RRGGBB, for example colour:#00b140")
    if colour:
        return f"colour:{colour[1].lower()}"
    return _known(uri, BACKGROUND_SCHEMES)


def _output(uri: str) -> str:
    if uri == "auto":
        raise ValueError("an output has no auto; the usual one is rtsp://127.0.0.1:8554/live")
    if re.match(r"/dev/video\d", uri):
        raise ValueError(f"a loopback device is written v4l2://{uri}")
    uri = _known(uri, OUTPUT_SCHEMES)
    if scheme_of(uri) in SERVER_PORTS and urlsplit(uri).path in ("", "/"):
        raise ValueError("the stream needs a path: rtsp://127.0.0.1:8554/live")
    path = path_of(uri)
    if (
        scheme_of(uri) in ("", "file")
        and path is not None
        and path.suffix.lower() not in RECORDINGS
    ):
        raise ValueError(f"a file output must end in {' or '.join(RECORDINGS)}")
    return uri


_Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]

SourceUri = Annotated[
    _Text,
    AfterValidator(_source),
    Resolves(absolute),
    Allowed(
        "auto, a path, file:///…, v4l2:///dev/video0, rtsp://host/path, rtsps://…, csi://0, "
        "test://smpte, demo://"
    ),
]
BackgroundUri = Annotated[
    _Text,
    AfterValidator(_background),
    Resolves(absolute),
    Allowed("a path, file:///…, colour:#RRGGBB, gradient://, blur://"),
]
OutputUri = Annotated[
    _Text,
    AfterValidator(_output),
    Resolves(absolute),
    Allowed(
        "rtsp://address:port/path, rtsps://…, display://, a path that ends in .mp4 or .mkv, "
        "file:///….mp4, v4l2:///dev/video9, null://"
    ),
]
