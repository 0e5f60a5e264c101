"""Log lines as journald's own entries: words in MESSAGE, each value in a field of its own.

    journalctl -u mattebox                            what people read
    journalctl -u mattebox -o json                    all fields
    journalctl -u mattebox MATTEBOX_URI=null://       one output only

See systemd.journal-fields(7); the protocol is "Native Journal Protocol" of systemd's documentation.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Any, TextIO

from structlog.typing import EventDict

SOCKET = "/run/systemd/journal/socket"
_PRIORITIES = {"critical": 2, "exception": 3, "error": 3, "warning": 4, "info": 6, "debug": 7}


def listens(stream: TextIO | None, environment: Mapping[str, str] | None = None) -> bool:
    """Whether ``stream`` ends in the journal: JOURNAL_STREAM names its device and inode."""
    named = (os.environ if environment is None else environment).get("JOURNAL_STREAM", "")
    if stream is None or not named:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


def render(_: object, method: str, event: EventDict) -> tuple[tuple[str, bytes], dict[str, Any]]:
    """The last processor: the words, and the entry with its fields."""
    level = str(event.pop("level", method))
    words = str(event.pop("event", ""))
    exception = event.pop("exception", None)
    values = {key: str(value) for key, value in event.items()}
    message = " ".join([words, *(f"{key}={value}" for key, value in values.items())])
    if exception:
        message = f"{message}\n{exception}"
    fields = {
        "MESSAGE": message,
        "PRIORITY": str(_PRIORITIES.get(level, 6)),
        "SYSLOG_IDENTIFIER": "mattebox",
        "MATTEBOX_EVENT": words,
    }
    fields |= {field_name(key): value for key, value in values.items()}
    return (message, b"".join(_field(name, value) for name, value in fields.items())), {}


def field_name(key: str) -> str:
    """A key as the name of a field: capitals, digits and underscores, at most 64 of them."""
    return f"MATTEBOX_{re.sub('[^A-Z0-9_]', '_', key.upper())}"[:64]


def _field(name: str, value: str) -> bytes:
    data = value.encode(errors="replace")
    if b"\n" in data:
        return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
    return f"{name}=".encode() + data + b"\n"


class Entries:
    """Sends entries; one that cannot be sent goes to stderr in words, which is the journal too."""

    def __init__(self, address: str = SOCKET) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._opening = threading.Lock()

    def msg(self, message: str, entry: bytes | None = None) -> None:
        """Send one entry. Never raises, never waits.

        Without ``entry``, as a line may come while the log is set up anew, ``message`` is one.
        """
        if entry is None:
            entry = _field("MESSAGE", message)
        try:
            with self._opening:
                if self._socket is None:
                    self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                    self._socket.setblocking(False)
                self._socket.sendto(entry, self._address)
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                print(message, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    log = debug = info = warning = error = critical = exception = msg
