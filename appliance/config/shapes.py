"""Forms of address shared by several schemes: files, video devices, servers.

Only the text is checked. A layer below ``uris``, so that the declarations of schemes can use it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from appliance.system.redact import remember

_REFERENCE = re.compile(r"\$\{[^}]*\}")
_FILE = re.compile(r"file://", re.IGNORECASE)


def without_nul(uri: str) -> str:
    """The address, unchanged. Raises ValueError when there is a NUL in it."""
    if "\0" in uri:
        raise ValueError("an address cannot hold a NUL character")
    return uri


def file(uri: str) -> str:
    """A path, or ``file:///path``. Raises ValueError."""
    if _FILE.match(uri) and not re.match(r"file://(localhost)?/", uri, re.IGNORECASE):
        raise ValueError("a file address has three slashes: file:///home/me/clip.mp4")
    return without_nul(uri)


def file_path(uri: str) -> Path:
    """The path of a plain path or a ``file:///`` address."""
    if not _FILE.match(uri):
        return Path(uri)
    rest = uri[len("file://") :].removeprefix("localhost")
    # People paste paths after file:// as they are, per cent signs and all.
    return Path(rest) if os.path.lexists(rest) else Path(unquote(rest))


def absolute_path(text: str, folder: Path) -> str:
    """A path made absolute, starting from ``folder``; ``~`` is the user's home."""
    path = Path(text)
    if text == "~" or text.startswith("~/"):
        try:
            path = path.expanduser()
        except RuntimeError:  # no home: a service without one; let the path be reported as it is
            return text
    return str(folder / path)


def device(uri: str) -> str:
    """``v4l2:///dev/video0``. Raises ValueError."""
    if not uri.startswith("v4l2:///dev/"):
        raise ValueError("a device is written v4l2:///dev/video0")
    return uri


def device_path(uri: str) -> Path:
    """The device node of a ``v4l2:///`` address."""
    return Path(uri[len("v4l2://") :])


def is_video_node(path: str) -> bool:
    """Whether a path can only be that of a video device."""
    return re.match(r"/dev/video\d", path) is not None


def rtsp(uri: str, *, listen: bool) -> str:
    """An address to connect to, or to listen at (where port 0 means a free one).

    Its password is struck out of every message from now on. Raises ValueError.
    """
    return _served(uri, "an RTSP address is written rtsp://host:port/path", listen=listen)


def rtmp(uri: str) -> str:
    """``rtmp://host/app/name``, as ``rtsp`` takes it. Raises ValueError."""
    written = "an RTMP address is written rtmp://host:port/app/name"
    _served(uri, written)
    # The application may have slashes, too; the name is what follows the last.
    path = [part for part in urlsplit(uri).path.split("/") if part]
    if len(path) < 2:
        raise ValueError(f"{written}: an application and the name of a stream in it")
    return uri


def http(uri: str) -> str:
    """``http://host/path``, as ``rtsp`` takes it. Raises ValueError."""
    return _served(uri, "a web address is written http://host:port/path")


def _served(uri: str, written: str, *, listen: bool = False) -> str:
    _check_quoting(uri)
    try:
        parts = urlsplit(uri)
        if parts.password is not None:
            remember(parts.password)  # before any message shows this address
        port = parts.port
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    if not parts.hostname or (port == 0 and not listen):
        raise ValueError(f"{written}, port 1 to 65535")
    return without_nul(uri)


def _check_quoting(uri: str) -> None:
    """Raise ValueError for a user or password with a sign that means something else there."""
    # A reference is quoted when it is filled in.
    rest = _REFERENCE.sub("x", uri.partition("://")[2])
    first = re.split(r"[/?#]", rest, maxsplit=1)[0]
    who, at, _ = first.rpartition("@")
    signs = [sign for sign in who if sign in "@[]"]
    if at:
        signs += ["%"] if re.search(r"%(?![0-9A-Fa-f]{2})", who) else []
    elif "@" in rest and not first.startswith("["):
        # What looks like a host ends within the password, unless a port follows: camera:554/a@b.
        who = rest.rpartition("@")[0]
        _, colon, port = first.partition(":")
        signs = [rest[len(first)]] if colon and not port.isdigit() else []
    remember(who.partition(":")[2])
    if signs:
        raise ValueError(
            f"a {signs[0]} in a user or password is written %{ord(signs[0]):02X} there (/ is %2F, "
            "@ %40, # %23, ? %3F, % %25); or keep the password elsewhere and write "
            "${credential:name} or ${env:NAME}, whose value is quoted for you"
        )
