"""Optional stages that fail are left out for a while; the frame goes on without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from appliance.cuda.context import GpuError
from appliance.errors import MattingError

REST_NS = 5_000_000_000
"""A stage that failed is tried again after this much of the picture's time."""

_MOST_WORDS = 300

log = structlog.get_logger(__name__)


class StageGuard:
    """Runs the steps of optional stages, and remembers which of them rest, and why.

    ``resting`` may be read from any thread.
    """

    def __init__(self) -> None:
        self.resting: dict[str, str] = {}
        """Why, by the step's name."""
        self._until: dict[str, int] = {}

    def wrap(
        self, name: str, run: Callable[[Any], None], forget: Callable[[], None]
    ) -> Callable[[Any], None]:
        """``run`` with its failures caught; ``forget`` drops what the step carries over time."""

        def guarded(work: Any) -> None:
            now = work.frame.pts
            # A source that starts over may go back in time: a rest does not last for ever then.
            until = self._until.get(name)
            if until is not None and now < until <= now + REST_NS:
                return
            try:
                run(work)
            except (GpuError, MattingError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the frame must go on
                self._rest(name, now, error)
                forget()
            else:
                if self._until.pop(name, None) is not None:
                    self._drop(name)
                    log.info("a stage works again", stage=name)

        return guarded

    def forget(self, names: set[str]) -> None:
        """Steps that are no longer wanted do not rest."""
        for name in names & self._until.keys():
            del self._until[name]
            self._drop(name)

    def _drop(self, name: str) -> None:
        self.resting = {other: why for other, why in self.resting.items() if other != name}

    def _rest(self, name: str, now: int, error: Exception) -> None:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_WORDS]
        self._until[name] = now + REST_NS
        if self.resting.get(name) != why:
            log.exception("a stage is left out", stage=name, why=why)
        self.resting = {**self.resting, name: why}
