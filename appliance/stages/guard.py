"""Optional stages that fail are left out for a while; the frame goes on without them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from appliance.cuda.context import GpuError
from appliance.errors import MattingError

REST_NS = 5_000_000_000
"""A stage that failed is tried again after this much of the picture's time."""

_MOST_WORDS = 300

T = TypeVar("T")

log = structlog.get_logger(__name__)


class StageFailed(Exception):
    """A step of an optional stage failed, and rests now: do what is left again, without it."""


class StageGuard:
    """Remembers which steps of optional stages rest, and why.

    Attributes:
        resting: why, by the step's name, until it has worked again; may be read from any thread.
        skipped: the steps that are not to be tried in this frame.
    """

    def __init__(self) -> None:
        self.resting: dict[str, str] = {}
        self.skipped: frozenset[str] = frozenset()
        self._until: dict[str, int] = {}

    def begin(self, pts: int) -> None:
        """Call at each frame's beginning, with its time: those that have rested are tried again."""
        if not self._until:
            return
        # A source that starts over may go back in time: a rest does not last for ever then.
        self._until = {n: end for n, end in self._until.items() if pts < end <= pts + REST_NS}
        self.skipped = frozenset(self._until)

    def attempt(self, name: str, pts: int, call: Callable[[], T], forget: Callable[[], None]) -> T:
        """``call()``; ``forget`` drops what the step carries over time, if it fails.

        Raises StageFailed; GpuError and MattingError as they are.
        """
        try:
            return call()
        except (GpuError, MattingError):
            raise
        except Exception as error:
            self._rest(name, pts, error)
            forget()
            raise StageFailed(name) from error

    def worked(self, name: str) -> None:
        """Note that a step did its work."""
        if name in self.resting and name not in self._until:
            self._drop(name)
            log.info("a stage works again", stage=name)

    def wrap(
        self, name: str, run: Callable[[Any], None], forget: Callable[[], None]
    ) -> Callable[[Any], None]:
        """A step that does nothing where it rests, or fails."""

        def guarded(work: Any) -> None:
            if name in self.skipped:
                return
            try:
                self.attempt(name, work.frame.pts, lambda: run(work), forget)
            except StageFailed:
                return
            self.worked(name)

        return guarded

    def forget(self, names: set[str]) -> None:
        """Steps that are no longer wanted do not rest."""
        for name in names & self.resting.keys():
            self._until.pop(name, None)
            self._drop(name)
        self.skipped = frozenset(self._until)

    def _drop(self, name: str) -> None:
        self.resting = {other: why for other, why in self.resting.items() if other != name}

    def _rest(self, name: str, pts: int, error: Exception) -> None:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_WORDS]
        self._until = {**self._until, name: pts + REST_NS}
        self.skipped = frozenset(self._until)
        if self.resting.get(name) != why:
            # Not the whole traceback: a console shows each frame's variables, pictures included.
            last = traceback.extract_tb(error.__traceback__)[-1]
            log.warning(
                "a stage is left out", stage=name, why=why, at=f"{last.filename}:{last.lineno}"
            )
        self.resting = {**self.resting, name: why}
