"""What a source's URI says, and what of it may be shown."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from appliance.errors import InputError

SCHEMES = ("auto", "v4l2://", "rtsp://", "rtsps://", "csi://", "file://", "test://", "demo://")


@dataclass(frozen=True, slots=True)
class Uri:
    """A source's URI: ``scheme`` without ``://``, ``rest`` what follows; for a file its path."""

    scheme: str
    rest: str
    text: str

    def __str__(self) -> str:
        return redact(self.text)


def parse(text: str) -> Uri:
    """Take a URI or a plain path apart. Raises InputError for a scheme that is not known."""
    if text == "auto":
        return Uri("auto", "", text)
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", text, re.DOTALL)
    if match is None:
        return Uri("file", str(Path(text).expanduser()), text)
    scheme, rest = match[1].lower(), match[2]
    if f"{scheme}://" not in SCHEMES:
        raise InputError(
            f"source {redact(text)!r}: the scheme {scheme}:// is not known; expected "
            f"{', '.join(SCHEMES)}, or a path to a video file"
        )
    return Uri(scheme, str(file_path(text)) if scheme == "file" else rest, text)


def file_path(text: str) -> Path:
    """The path that a plain path or a ``file://`` URI names.

    A plain path is taken as it stands; in a URI, ``%20`` and the like are decoded unless a file of
    the undecoded name exists (people paste paths behind ``file://`` as they are).
    """
    if not text.lower().startswith("file://"):
        return Path(text).expanduser()
    rest = text[len("file://") :]
    if rest.startswith("localhost/"):
        rest = rest[len("localhost") :]
    return Path(rest) if os.path.lexists(rest) else Path(unquote(rest))


# A number up to the first slash is a port, not a password (rtsp://camera:554/stream@main).
_PASSWORD = re.compile(r"(?<=://)([^\s/@:]*):(?!\d+(?:/|\s|$))\S*@")


def redact(text: str) -> str:
    """The URI, or any text with URIs in it, without passwords: ``rtsp://user:***@host``."""
    return _PASSWORD.sub(r"\1:***@", text)


def check_file(path: Path, what: str) -> int:
    """The size in bytes of a regular, readable, non-empty file.

    ``what`` names its purpose in the error ("source", "background"). Never blocks, whatever the
    path names. Raises InputError.
    """
    where = f"{what} {str(path)!r}"
    try:
        # Without O_NONBLOCK, opening a FIFO waits for a writer that may never come.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InputError(f"{where}: there is no such file; check the path") from None
    except PermissionError:
        raise InputError(
            f"{where}: this user may not read it; expected read permission (chmod a+r, and a+x on "
            "its folders)"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: cannot be opened ({error}); expected a file") from error
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{where}: it is {_KINDS.get(stat.S_IFMT(status.st_mode), 'not a file')}; expected a file")
    if status.st_size == 0:
        raise InputError(f"{where}: the file is empty (0 bytes); expected a {'video' if what == 'source' else 'picture or video'}")
    return status.st_size


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO (named pipe)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
