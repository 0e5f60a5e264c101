"""Splits multipart/x-mixed-replace into its parts, as network cameras send Motion JPEG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import Message
from email.parser import BytesHeaderParser

from appliance.errors import SourceError

MOST_PART = 32 << 20
"""The largest picture that is taken, in bytes."""
_MOST_HEAD = 16 << 10
_BLANK = (b"\r\n\r\n", b"\n\n")


def parts(boundary: str, read: Callable[[], bytes]) -> Iterator[bytes]:
    """The parts' bodies, as they come; ends where ``read`` gives b"".

    By Content-Length where a part has it, else up to the next boundary (RFC 2046, 5.1). Some
    cameras write the two dashes into the boundary's name, too. Raises SourceError for a part that
    is too large, or for no boundary at all.
    """
    line = b"--" + boundary.encode("latin-1", "replace").removeprefix(b"--")
    buffer = bytearray()

    def more(most: int) -> bool:
        if len(buffer) > most:
            raise SourceError(f"a part of its stream is larger than {most} bytes, the most taken")
        data = read()
        buffer.extend(data)
        return bool(data)

    while True:
        while (at := buffer.find(line)) < 0:
            # What is here is no picture; its end may be the beginning of a boundary.
            del buffer[: max(0, len(buffer) - len(line))]
            if not more(MOST_PART):
                return
        del buffer[: at + len(line)]
        while (end := _head_end(buffer)) is None:
            if not more(_MOST_HEAD):
                return
        head = BytesHeaderParser().parsebytes(bytes(buffer[: end[0]]).lstrip(b"\r\n"))
        del buffer[: end[1]]
        length = _length(head)
        if length is None:
            searched = 0
            while (length := buffer.find(line, searched)) < 0:
                searched = max(0, len(buffer) - len(line))
                if not more(MOST_PART):
                    return
        else:
            while len(buffer) < length:
                if not more(MOST_PART):
                    return
        yield bytes(buffer[:length])
        del buffer[:length]


def _head_end(buffer: bytearray) -> tuple[int, int] | None:
    """Where a part's header ends and its body begins."""
    found = [(at, at + len(blank)) for blank in _BLANK if (at := buffer.find(blank)) >= 0]
    return min(found, default=None)


def _length(head: Message) -> int | None:
    text = str(head.get("content-length", "")).strip()
    if not (text.isascii() and text.isdigit()):
        return None
    if int(text) > MOST_PART:
        raise SourceError(f"a part of its stream has {text} bytes; at most {MOST_PART} are taken")
    return int(text)
