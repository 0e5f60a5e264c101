"""How far long work is: a bar on a terminal, one line for each part elsewhere; on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Tick = Callable[[float, float | None], None]
"""Takes how much is done, and of how much (None: not known), in any unit."""

_REFRESH_S = 0.25


def no_tick(_: float, __: float | None = None) -> None:
    """Shows nothing."""


class BenchBar:
    """Shows one part after another; a context manager, which removes the bar at the end.

    It draws when it is told something and never by itself, so that it disturbs no measurement:
    whoever measures ticks between two measured stretches.
    """

    def __init__(
        self, parts: int | None = None, console: Console | None = None, doing: str = "measuring: ",
        remaining: bool = False,
    ) -> None:  # fmt: skip
        """``parts``: how many there will be, if that is known; ``console``: by default stderr.

        ``doing``: what stands before a part where there is no terminal. ``remaining``: show how
        long a part will still take, too.
        """
        self._doing = doing
        self._console = console or Console(stderr=True)
        self._live = self._console.is_terminal
        self._parts, self._part = parts, 0
        self._drawn = float("-inf")
        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
            *((TextColumn("left:"), TimeRemainingColumn()) if remaining else ()),
            console=self._console, transient=True, auto_refresh=False, disable=not self._live,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, visible=False)

    def __enter__(self) -> BenchBar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, name: str) -> None:
        """Show that this part begins."""
        self._part += 1
        if not self._live:
            self._console.print(
                f"{self._doing}{name} …", style="dim", markup=False, highlight=False
            )
            return
        shown = name if self._parts is None else f"{name} ({self._part} of {self._parts})"
        self._bar.reset(self._task, total=None, description=shown, visible=True)
        self._bar.refresh()

    def tick(self, done: float, total: float | None = None) -> None:
        """Show how far the part is; drawn a few times a second at most. See ``Tick``."""
        now = time.monotonic()
        if self._live and now - self._drawn >= _REFRESH_S:
            self._drawn = now
            self._bar.update(self._task, completed=done, total=total)
            self._bar.refresh()
