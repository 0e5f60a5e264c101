"""What a person watching sees: one refreshing line, or plain lines without a terminal."""

from __future__ import annotations

import errno
import os
import sys
import time
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from appliance.daemon.counts import Counts

_PLAIN_EVERY_S = 10.0


def say(line: str, stream: TextIO) -> None:
    """Print a line. If a full disk refuses it, only that line is lost.

    Raises BrokenPipeError when the reader has gone.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        print(line, file=stream, flush=True)
        return
    try:
        # Bypasses the stream's own buffer, which would keep the line and fail again on exit.
        os.write(descriptor, f"{line}\n".encode())
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise


def sentence(before: Counts, now: Counts, seconds: float) -> str:
    """The status line: rates since ``before``, totals since the start."""
    part = "" if now.progress is None else f"{now.progress:4.0%} done   "
    frames = now.frames_out - before.frames_out
    busy = (now.busy_ns - before.busy_ns) / frames / 1e6 if frames > 0 else 0.0
    line = (
        f"{part}in {(now.frames_in - before.frames_in) / seconds:5.1f} fps   "
        f"out {frames / seconds:5.1f} fps   {busy:5.1f} ms a frame   "
        f"dropped {now.dropped}   clients {now.clients}"
    )
    if now.trouble:
        return f"{line}   PLACEHOLDER: {now.trouble}"
    # Last, so that a narrow terminal cuts off what can be looked up.
    dropped = now.left_out and f"dropped: {now.left_out}"
    return "   ".join(filter(None, (line, now.shed, dropped)))


def _bar(progress: float) -> Table:
    """How much of a file is done, 0 to 1, for a terminal."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(total=1.0, completed=progress, width=40), f"{progress:4.0%}")
    return grid


class StatusLine:
    """Shows ``Counts`` as they come; a context manager, which restores the terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live: Live | None = None
        self._before: tuple[float, Counts] | None = None
        self._printed = time.monotonic()

    def __enter__(self) -> StatusLine:
        if self._stream.isatty():
            console = Console(file=self._stream, highlight=False)
            # Prints log lines from stderr above the line instead of through it.
            self._live = Live(console=console, auto_refresh=False, redirect_stderr=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def live(self) -> bool:
        """Whether there is a terminal on which to refresh a line."""
        return self._live is not None

    def show(self, now: Counts, *, last: bool = False) -> None:
        """Take the totals; show them at once on a terminal, every ten seconds elsewhere.

        ``last``: the run is over, show the totals whenever the last ones were shown.
        """
        moment = time.monotonic()
        if self._before is None:
            self._before = (moment, now)
            return
        seconds = moment - self._before[0]
        if self._live is None and moment - self._printed < _PLAIN_EVERY_S and not last:
            return
        if seconds < (0.05 if last else 0.5):
            return
        line = sentence(self._before[1], now, seconds)
        self._before = (moment, now)
        if self._live is not None:
            words = Text(line, no_wrap=True, overflow="ellipsis")
            shown = words if now.progress is None else Group(_bar(now.progress), words)
            self._live.update(shown, refresh=True)
        else:
            say(line, self._stream)
            self._printed = moment
