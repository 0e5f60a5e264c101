"""Addresses that the picture is pushed to: SRT, RTMP, and RTSP to a media server.

Only the text is checked. A layer below ``uris``, so that the declarations of schemes can use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from appliance.config.shapes import rtsp, without_nul
from appliance.system.redact import remember

PASSPHRASE = range(10, 80)
"""The lengths that SRT allows (libsrt, SRTO_PASSPHRASE), in bytes."""
MOST_STREAM_ID = 512
LATENCY_MS = range(20, 10_001)
DEFAULT_LATENCY_MS = 125
RTMP_PORTS = {"rtmp": 1935, "rtmps": 443}
RTSP_PORTS = {"rtsp": 554, "rtsps": 322}

_SRT = "srt://host:port, or srt://:port to listen there"
_RTMP = "rtmp://host/app with stream_key, or rtmp://host/app/key"
_RTSP = "rtsp+push://host:port/path"
# What others' addresses have that means nothing here, or is the same here anyway.
_IGNORED = frozenset({"pkt_size", "transtype"})


@dataclass(frozen=True, slots=True, repr=False)
class SrtAddress:
    """What an ``srt://`` address says.

    ``host`` is "" where it listens at every address; ``passphrase`` "" where there is none.
    """

    host: str
    port: int
    listens: bool
    latency_ms: int
    passphrase: str
    stream_id: str


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
    """The parts of an SRT address. Raises ValueError in words."""
    # Before any message shows it.
    for secret in re.findall(r"passphrase=([^&\s]*)", uri):
        remember(unquote(secret))
    parts, port = _split(uri, _SRT)
    if port is None:
        raise ValueError(f"the port is missing; expected {_SRT}")
    if parts.username is not None or parts.path not in ("", "/"):
        raise ValueError(f"found a user or a path; expected {_SRT}, what else there is after a ?")
    options: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in options:
            raise ValueError(f"{name} stands there twice; expected it once")
        options[name] = value
    host = parts.hostname or ""
    mode = options.pop("mode", "caller" if host else "listener")
    if mode not in ("caller", "listener"):
        raise ValueError(f"mode={mode}; expected caller or listener")
    if mode == "caller" and not host:
        raise ValueError(f"there is no host to call; expected {_SRT}")
    passphrase = options.pop("passphrase", "")
    if passphrase and "${" not in passphrase:
        judge_passphrase(passphrase)
    stream_id = options.pop("streamid", "")
    if len(stream_id.encode()) > MOST_STREAM_ID:
        raise ValueError(f"streamid is longer than {MOST_STREAM_ID} bytes")
    latency = options.pop("latency", str(DEFAULT_LATENCY_MS))
    if not re.fullmatch(r"\d{1,9}", latency) or int(latency) not in LATENCY_MS:
        raise ValueError(
            f"latency={latency}; expected milliseconds from {LATENCY_MS[0]} to {LATENCY_MS[-1]} "
            "(ffmpeg and OBS count it in microseconds)"
        )
    unknown = sorted(options.keys() - _IGNORED)
    if unknown:
        raise ValueError(
            f"found {unknown[0]}= after the ?; expected mode, latency, streamid or passphrase"
        )
    return SrtAddress(host, port, mode == "listener", int(latency), passphrase, stream_id)


def judge_passphrase(passphrase: str) -> None:
    """Raise ValueError when SRT would not take it, without revealing it."""
    size = len(passphrase.encode())
    if size not in PASSPHRASE:
        raise ValueError(
            f"the passphrase is {size} characters long; SRT takes {PASSPHRASE[0]} to "
            f"{PASSPHRASE[-1]}"
        )


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
