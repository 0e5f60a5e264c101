"""Logging: one line for each thing that changes, none for each frame.

Plain words for people, also through a pipe or in a file; fields for journald; JSON lines for
programs where they are asked for. Always on stderr (or to the journal that stderr leads to), so
that stdout stays the program's own.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

from appliance.system import journal, log_ring
from appliance.system.redact import redact

Level = Literal["debug", "info", "warning", "error"]


_MOST = 20_000
"""Characters of one value: a long traceback, but not whatever a file or a library repeats."""

_one_at_a_time = threading.Lock()


class _Lines:
    """Writes lines to a stream. A line that cannot be written is lost, and nothing else happens.

    A full disk or a reader that has gone must not stop the picture, and there is nobody to tell.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def msg(self, message: str, _: object = None) -> None:
        # While the log is being reconfigured, another thread may still have rendered for the
        # journal, which passes two values.
        stream = self._stream or sys.stderr
        if stream is None:
            return
        with _one_at_a_time, contextlib.suppress(OSError, ValueError):
            stream.write(f"{message}\n")
            stream.flush()

    log = debug = info = warning = error = critical = exception = msg


def _hide_secrets(_: object, __: str, event: EventDict) -> EventDict:
    """Keep passwords out of every line, whoever wrote it and wherever in it they stand."""
    return {key: _hidden(value) for key, value in event.items()}


def _remember(_: object, method: str, event: EventDict) -> EventDict:
    """Keep the line for ``log_ring.recent``, too."""
    log_ring.recent.take(event, str(event.get("level", method)))
    return event


def _hidden(value: Any) -> Any:
    """``value`` for a log line: strings without passwords, numbers and lists as they are."""
    if isinstance(value, str):
        return redact(_bounded(value))
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_hidden(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _hidden(item) for key, item in value.items()}
    text = _bounded(str(value))
    return value if redact(text) == text else redact(text)


def _bounded(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}… ({len(text)} characters)"


def configure(
    level: Level = "info",
    format: Literal["auto", "plain", "json"] = "auto",
    stream: TextIO | None = None,
) -> None:
    """Set up structlog for the whole process; may be called again.

    ``auto`` is journald's fields when ``stream`` (default: stderr, whatever it is when a line is
    written) leads to the journal, plain otherwise: with colours on a terminal, with the date
    elsewhere.
    """
    now = stream or sys.stderr  # None where the program was started with stderr closed
    terminal = now is not None and not now.closed and now.isatty()
    plain = format != "json"
    to_journal = format == "auto" and not terminal and journal.listens(now)
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _hide_secrets,
        _remember,
    ]
    if not to_journal:  # journald has a clock of its own
        # Whoever watches knows the day; a file is read later.
        fmt = ("%H:%M:%S" if terminal else "%Y-%m-%d %H:%M:%S") if plain else "iso"
        processors.append(structlog.processors.TimeStamper(fmt=fmt, utc=not plain))
    if to_journal:
        processors.append(journal.render)
    elif plain:
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=terminal,
                pad_event_to=0,
                exception_formatter=structlog.dev.plain_traceback,
            )
        )
    else:
        processors.append(structlog.processors.JSONRenderer())
    entries = journal.Entries() if to_journal else None
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: entries or _Lines(stream),
        cache_logger_on_first_use=False,
    )
