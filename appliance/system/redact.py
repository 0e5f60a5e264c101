"""Strikes what must never be shown out of whatever is about to be shown.

Callers use ``redact``. Passwords in addresses are recognised by their position, or by what an
address's query calls them; values known to be secret (``remember``) are struck out wherever they
stand.
"""

from __future__ import annotations

import re
import sys
import threading
import traceback
from types import TracebackType
from urllib.parse import quote, unquote

HIDDEN = "***"

_REFERENCE = r"\$\{[a-z]+:[^}\s]{0,200}\}"
# A number up to the first slash is a port, not a password (rtsp://camera:554/stream@main).
_USER = rf"((?:{_REFERENCE}|[^\s/@:]){{0,256}}):(?!\d+(?:/|\s|$))"
_WITHOUT_SPACES = re.compile(rf"{_USER}(\S*)@")
_WITH_SPACES = re.compile(rf"{_USER}([^/@\n]{{0,4096}})@")
_RUN = re.compile(r"\S*")
# The key of a stream is the last part of its address, after the application's name.
_STREAM_KEY = re.compile(
    r"(rtmps?://[^\s/]{1,300}/[^\s/]{1,300}/)([^\s\"'),;]{1,1000}?)(?=:?(?:[\s\"'),;]|$))",
    re.IGNORECASE,
)
_PASSPHRASE = re.compile(r"(\bpassphrase=)([^\s&\"'),;]{1,1000})", re.IGNORECASE)

# As SRT, network cameras and hosts of streams call them.
_QUERY = re.compile(
    r"([?&](?:passphrase|pass(?:wd|word)?|pwd|token|access_token|auth|key|api_?key|secret|sig"
    rf"|signature)=)(?!{_REFERENCE}(?:[&\s\"']|$))[^&\s\"']*[^&\s\"';,]",
    re.IGNORECASE,
)

# Shorter values would strike out half of every message; ``redact`` finds those by position.
_LEAST = 6
# A reload may bring a new one each time, and an appliance runs for months.
_MOST_KNOWN = 256

_known: dict[str, None] = {}
_lock = threading.Lock()
_pattern: re.Pattern[str] | None = None


def remember(value: str) -> None:
    """From now on have ``hide`` strike ``value`` out, plain and URL-quoted."""
    global _pattern
    if "${" in value:
        return  # a reference says only where a secret is
    forms = {value, quote(value, safe="", errors="replace"), unquote(value)}
    with _lock:
        for form in forms:
            if len(form) >= _LEAST:
                _known.pop(form, None)
                _known[form] = None
        while len(_known) > _MOST_KNOWN:
            del _known[next(iter(_known))]
        longest_first = sorted(_known, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def hide(text: str) -> str:
    """The text with every known secret replaced by ``***``."""
    pattern = _pattern
    return pattern.sub(HIDDEN, text) if pattern is not None else text


def redact(text: str) -> str:
    """The text with the password of any address, and every known secret, replaced by ``***``."""
    text = _QUERY.sub(rf"\1{HIDDEN}", _without_passwords(text))
    for pattern in (_STREAM_KEY, _PASSPHRASE):
        text = pattern.sub(_all_but_references, text)
    return hide(text)


def _all_but_references(match: re.Match[str]) -> str:
    kept = re.fullmatch(_REFERENCE, match[2])
    return match[0] if kept else f"{match[1]}{HIDDEN}"


def _without_passwords(text: str) -> str:
    """Time is proportional to the text's length, whatever stands in it.

    One regular expression for the whole would start over at each "://" and look for an "@" as far
    as the end: hours for a megabyte of them.
    """
    parts: list[str] = []
    done = run_end = last_at = 0
    while (at := text.find("://", done)) >= 0:
        start = at + 3
        if start >= run_end:
            run_end = _end_of_run(text, start)
            last_at = text.rfind("@", start, run_end)
        match = _WITHOUT_SPACES.match(text, start) if last_at >= start else None
        match = match or _WITH_SPACES.match(text, start)
        end = start if match is None else match.end()
        parts += [text[done:start], "" if match is None else _struck_out(match)]
        done = end
    return "".join([*parts, text[done:]])


def _end_of_run(text: str, start: int) -> int:
    match = _RUN.match(text, start)
    return match.end() if match is not None else start


def _struck_out(match: re.Match[str]) -> str:
    # A reference (${env:NAME}) says only where the password is, and may be shown.
    return match[0] if re.fullmatch(_REFERENCE, match[2]) else f"{match[1]}:{HIDDEN}@"


def guard_tracebacks() -> None:
    """Pass the tracebacks of this process, and of its threads, through ``redact``."""

    def show(
        kind: type[BaseException], error: BaseException | None, place: TracebackType | None
    ) -> None:
        if sys.stderr is not None:
            print(redact("".join(traceback.format_exception(kind, error, place))), file=sys.stderr)

    def show_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_type is not SystemExit:
            show(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    sys.excepthook = show
    threading.excepthook = show_thread
