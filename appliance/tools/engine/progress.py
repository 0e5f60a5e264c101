"""A build's progress: a bar on a terminal, a line for each phase elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_OUTERMOST = "Building engine"


class Bar:
    """``tell`` and ``progress`` for a build, to be used as a context."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._live = console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
            console=console, transient=True, disable=not self._live,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def tell(self, words: str) -> None:
        """A line that stays."""
        self._console.print(
            f"{self._title}: {words}", highlight=False, markup=False, soft_wrap=True
        )

    def progress(self, phase: str, done: int, total: int) -> None:
        """A step of a phase of the builder."""
        if not self._live:
            if phase == _OUTERMOST and done == 0:
                self.tell("building the engine")
            return
        if phase not in self._tasks:
            self._tasks[phase] = self._bar.add_task(phase, total=total)
        task = self._tasks[phase]
        self._bar.update(task, completed=done, total=total)
        if total and done >= total and phase != _OUTERMOST:
            self._bar.remove_task(self._tasks.pop(phase))
