"""What must never be shown is struck out of whatever is about to be shown.

``redact`` is what callers use. Passwords in addresses are known by their place; values that are
known to be secret (``remember``) are struck out wherever they stand.
"""

from __future__ import annotations

import re
import sys
import threading
import traceback
from types import TracebackType
from urllib.parse import quote, unquote

HIDDEN = "***"

_REFERENCE = r"\$\{[a-z]+:[^}\s]*\}"
# A number up to the first slash is a port, not a password (rtsp://camera:554/stream@main).
_PASSWORD = re.compile(rf"(?<=://)((?:{_REFERENCE}|[^\s/@:])*):(?!\d+(?:/|\s|$))(\S*|[^/@\n]*)@")

# Shorter ones would strike out half of what is said; ``redact`` finds those by their place.
_LEAST = 6
# A reload may bring a new one each time, and an appliance runs for months.
_MOST_KNOWN = 256

_known: dict[str, None] = {}
_lock = threading.Lock()
_pattern: re.Pattern[str] | None = None


def remember(value: str) -> None:
    """From now on ``hide`` strikes ``value`` out, plain and as addresses quote it."""
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
    """The text with every secret that is known replaced by ``***``."""
    pattern = _pattern
    return pattern.sub(HIDDEN, text) if pattern is not None else text


def redact(text: str) -> str:
    """The text with the password of any address, and every known secret, replaced by ``***``."""
    return hide(_PASSWORD.sub(_struck_out, text))


def _struck_out(match: re.Match[str]) -> str:
    # A reference (${env:NAME}) says only where the password is, and may be shown.
    return match[0] if re.fullmatch(_REFERENCE, match[2]) else f"{match[1]}:{HIDDEN}@"


def guard_tracebacks() -> None:
    """Let the tracebacks of this process, of threads too, go through ``redact``."""

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
