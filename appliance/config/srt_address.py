"""``srt://`` addresses: who calls whom, and the passphrase.

    srt://host:port[?latency=MS&passphrase=…&pbkeylen=16|24|32&streamid=…]     calls
    srt://:port, srt://0.0.0.0:port?mode=listener                              is called

The names of the options are those that GStreamer, OBS and libsrt's own programs use.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from appliance.config.secrets import fill as filled
from appliance.config.secrets import references, trouble
from appliance.system.redact import remember

SHORTEST, LONGEST = 10, 79
"""Characters of a passphrase (SRTO_PASSPHRASE in SRT's API)."""
KEY_BYTES = ("16", "24", "32")
_OPTIONS = ("mode", "latency", "passphrase", "pbkeylen", "streamid")
# What others' addresses have that means nothing here, or is the same here anyway.
_IGNORED = ("pkt_size", "transtype")
_WRITTEN = "an SRT address is written srt://host:port to call, srt://:port to be called"


@dataclass(frozen=True, slots=True, repr=False)
class SrtAddress:
    """The parts of an address; ``passphrase`` and ``streamid`` are "" where there is none."""

    host: str
    port: int
    listens: bool
    latency_ms: int | None
    passphrase: str
    key_bytes: int
    streamid: str


def check(uri: str) -> str:
    """The address, unchanged. Raises ValueError in words, which never show a passphrase.

    A reference to a secret is judged by its value where that can be looked up here.
    """
    for reference in references(uri):
        if trouble(reference):
            parse(uri, lengths=False)
            return uri
    parse(filled(uri))
    return uri


def parse(uri: str, *, lengths: bool = True) -> SrtAddress:
    """The parts of an address whose references are filled in. Raises ValueError.

    ``lengths``: judge the passphrase's, too.
    """
    # Not by urlsplit: a stream's name may begin with "#!::" (SRT Access Control).
    rest, _, query = uri.partition("://")[2].partition("?")
    options = _options(query)
    try:
        parts = urlsplit(f"srt://{rest}")
        port = parts.port
    except ValueError:
        raise ValueError(f"the port must be a number from 1 to 65535; {_WRITTEN}") from None
    if parts.username is not None:
        remember(parts.password or "")
        raise ValueError(
            "SRT knows no user and password; a passphrase is written ?passphrase=…, a stream's "
            "name ?streamid=…"
        )
    if not port:
        raise ValueError(f"it needs a port from 1 to 65535; {_WRITTEN}")
    if parts.path not in ("", "/"):
        raise ValueError(f"found a path, {parts.path}; a stream's name is written ?streamid=…")
    host, mode = parts.hostname or "", options.get("mode", "")
    if mode not in ("", "caller", "listener"):
        raise ValueError(f"mode is {mode}; expected caller or listener")
    if mode == "caller" and not host:
        raise ValueError(f"a caller needs a host to call; {_WRITTEN}")
    passphrase = options.get("passphrase", "")
    if "passphrase" in options and lengths:
        judge(passphrase)
    key = options.get("pbkeylen", "")
    if key not in ("", *KEY_BYTES):
        raise ValueError(f"pbkeylen is {key}; expected {', '.join(KEY_BYTES)}")
    latency = options.get("latency", "")
    if latency and not (latency.isascii() and latency.isdigit() and int(latency) <= 10_000):
        raise ValueError(
            f"latency is {latency}; expected milliseconds from 0 to 10000 (ffmpeg and OBS count it "
            "in microseconds)"
        )
    streamid = options.get("streamid", "")
    if len(streamid.encode()) > 512:
        raise ValueError("streamid is longer than 512 bytes, which is the most that SRT sends")
    return SrtAddress(
        host, port, mode == "listener" or not host, int(latency) if latency else None, passphrase,
        int(key or 0), streamid,
    )  # fmt: skip


def judge(passphrase: str) -> None:
    """Raise ValueError for a passphrase that SRT does not take; it is not shown."""
    remember(passphrase)
    length = len(passphrase.encode("utf-8", "replace"))
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(
            f"the passphrase is {length} characters long; SRT takes {SHORTEST} to {LONGEST}: "
            "change it at both ends"
        )


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        if name in _IGNORED:
            continue
        if name not in _OPTIONS:
            # Of a name only: what stands there may be a passphrase cut in two by an &.
            raise ValueError(
                f"found an option that is none of {', '.join(_OPTIONS)}; in a value, & is written "
                "%26, % is %25"
            )
        if name in options:
            raise ValueError(f"{name} stands there twice")
        # Not parse_qs: + is no space in a passphrase.
        options[name] = unquote(value)
    return options
