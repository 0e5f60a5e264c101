"""Logging: one line for each thing that changes, none for each frame.

Plain words on a terminal, JSON lines for machines; always on stderr, so that stdout stays the
program's own.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import Processor

Level = Literal["debug", "info", "warning", "error"]


def configure(
    level: Level = "info",
    format: Literal["auto", "plain", "json"] = "auto",
    stream: TextIO | None = None,
) -> None:
    """Set up structlog for the whole process; may be called again.

    ``auto`` is plain when ``stream`` (default stderr) is a terminal, JSON otherwise.
    """
    stream = stream or sys.stderr
    terminal = stream.isatty()
    plain = format == "plain" or (format == "auto" and terminal)
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if plain else "iso", utc=not plain),
        structlog.processors.StackInfoRenderer(),
    ]
    if plain:
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=terminal,
                pad_event_to=0,
                exception_formatter=structlog.dev.plain_traceback,
            )
        )
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
