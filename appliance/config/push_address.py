"""Addresses that the picture is pushed to: SRT, RTMP, and RTSP to a media server.

Only the text is checked. A layer below ``uris``, so that the declarations of schemes can use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from appliance.config import srt_address
from appliance.config.shapes import rtsp, without_nul
from appliance.config.srt_address import SrtAddress

DEFAULT_LATENCY_MS = 125
RTMP_PORTS = {"rtmp": 1935, "rtmps": 443}
RTSP_PORTS = {"rtsp": 554, "rtsps": 322}

_RTMP = "rtmp://host/app with stream_key, or rtmp://host/app/key"
_RTSP = "rtsp+push://host:port/path"


@dataclass(frozen=True, slots=True, repr=False)
class RtmpAddress:
    """What an ``rtmp://`` or ``rtmps://`` address says; ``key`` is "" where it has none."""

    scheme: str
    host: str
    port: int
    app: str
    key: str


def _split(uri: str, written: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(without_nul(uri))
        port = parts.port
    except ValueError as error:
        if "NUL" in str(error):
            raise
        raise ValueError(f"the port must be a number from 1 to 65535; expected {written}") from None
    if port == 0:
        raise ValueError("the port is 0; expected one from 1 to 65535")
    return parts, port


def srt(uri: str) -> SrtAddress:
    """The parts of an SRT address; its passphrase may be a reference. Raises ValueError."""
    return srt_address.parse(uri, lengths="${" not in uri)


def rtmp(uri: str, *, key: bool = False) -> RtmpAddress:
    """The parts of an RTMP address; with ``key``, the key stands elsewhere.

    Raises ValueError in words.
    """
    parts, port = _split(uri, _RTMP)
    if not parts.hostname:
        raise ValueError(f"the host is missing; expected {_RTMP}")
    if parts.username is not None:
        raise ValueError(f"found a user or a password; expected {_RTMP}")
    path = parts.path.strip("/")
    rest = f"?{parts.query}" if parts.query else ""
    app, _, last = (path, "", "") if key else path.rpartition("/")
    if not app:
        raise ValueError(
            f"the stream key is missing; expected {_RTMP}"
            if path and not key
            else f"the application's name is missing after the host; expected {_RTMP}"
        )
    return RtmpAddress(
        parts.scheme, parts.hostname, port or RTMP_PORTS[parts.scheme], app, last + rest
    )


def rtsp_push(uri: str) -> str:
    """The address as an RTSP client takes it, ``rtsp://…``. Raises ValueError in words."""
    plain = re.sub(r"^(rtsps?)\+push:", r"\1:", uri, flags=re.IGNORECASE)
    rtsp(plain, listen=False)
    if urlsplit(plain).path in ("", "/"):
        raise ValueError(f"the stream needs a path; expected {_RTSP}")
    return plain
