"""The thread that changes a running appliance over to other settings, one change at a time.

Loading a network may take seconds, and a file system may answer late; neither may hold up signals,
the watchdog or the picture. So looking at the file, reading it and building what it asks for all
happen here, and everybody else asks and goes on, or waits with a deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from appliance.config.load import InvalidConfig, LoadedConfig
from appliance.config.settings import Settings
from appliance.config.status import ConfigState, Refusal
from appliance.config.tree import Mistake, Origin
from appliance.config.watch import ConfigWatch
from appliance.daemon.apply import NotApplied
from appliance.errors import ConfigError, MatteboxError
from appliance.system import malloc
from appliance.system.file_identity import Identity

_LOOK_S = 0.25
# More changes at once are somebody's mistake.
_MOST_WAITING = 8

log = structlog.get_logger(__name__)

Change = Callable[[Settings], Settings]


class Changeable(Protocol):
    """What the reloader needs of the daemon."""

    settings: Settings

    def apply(self, settings: Settings) -> frozenset[str]:
        """Change over; see ``appliance.daemon.apply.apply``."""
        ...


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """What became of a change.

    Attributes:
        changed: the sections that differ now: "roi", "outputs.0"; empty when none does.
        refusal: why nothing was changed; None when it was made.
    """

    changed: frozenset[str] = frozenset()
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Job:
    """A change to be made; None stands for reading the file again."""

    change: Change | None
    outcome: Future[ChangeOutcome] = field(default_factory=Future)


class Reloader:
    """Keeps a daemon's settings the file's; a bad file changes nothing and is said aloud.

    ``state`` says how that goes, to any thread.
    """

    def __init__(
        self,
        daemon: Changeable,
        load: Callable[[], LoadedConfig],
        loaded: LoadedConfig,
        *,
        taken_over: Callable[[Settings], None] = lambda _: None,
    ) -> None:
        """Get ready; ``start`` begins.

        Args:
            daemon: whose settings these are.
            load: reads file, environment and flags again; raises ConfigError.
            loaded: what it runs on now; its file is looked at, if it has one.
            taken_over: told the new settings once they are in use.
        """
        path = loaded.path
        self.state = ConfigState(None if path is None else str(path))
        self._daemon, self._load = daemon, load
        self._taken_over = taken_over
        self._watch = ConfigWatch(path, loaded.identity) if path is not None else None
        self._condition = threading.Condition()
        self._jobs: list[_Job] = []
        self._stop = False
        self.error: BaseException | None = None
        """What ended the thread, when it was not ``stop``."""
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)

    def start(self) -> None:
        """Begin to look at the file."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> bool:
        """End; False when a change is still being made after ``timeout`` seconds."""
        with self._condition:
            self._stop = True
            jobs, self._jobs = self._jobs, []
            self._condition.notify_all()
        for job in jobs:
            _end(job)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def ask(self) -> Future[ChangeOutcome]:
        """Have the file read again, whether it changed or not; the future tells what came of it.

        Never waits. All who ask before the reading begins are served by one reading.
        """
        with self._condition:
            # At the end, for the last one wins.
            job = next((job for job in self._jobs if job.change is None), None) or _Job(None)
            if job in self._jobs:
                self._jobs.remove(job)
            return self._put(job)

    def change(self, change: Change, timeout: float) -> ChangeOutcome:
        """Change the settings otherwise than by the file, and wait for what comes of it.

        ``change`` makes new settings of those in use by then; what it raises is a refusal. The
        file is not touched: a change that should last is written there too.

        Raises ConfigError when too many changes wait already, and TimeoutError after ``timeout``
        seconds; the message says whether the change may still be made.
        """
        with self._condition:
            if len(self._jobs) >= _MOST_WAITING:
                raise ConfigError(
                    f"found {_MOST_WAITING} changes that wait to be made; try again in a second"
                )
            future = self._put(_Job(change))
        try:
            return future.result(timeout)
        except Late:
            dropped = future.cancel()
            if future.done() and not dropped:
                return future.result()
            then = "nothing was changed" if dropped else "it is still being made"
            raise TimeoutError(f"the change was not made within {timeout:g} s; {then}") from None

    def wrote(self, identity: Identity) -> None:
        """The file is about to become this one, which says what is in use already."""
        if self._watch is not None:
            self._watch.expect(identity)

    def _put(self, job: _Job) -> Future[ChangeOutcome]:
        if self._stop:
            _end(job)
        else:
            self._jobs.append(job)
            self._condition.notify_all()
        return job.outcome

    # Inside the thread.

    def _run(self) -> None:
        try:
            self._keep_going()
        except BaseException as error:
            # Without it no change would ever be made again: the daemon ends for it.
            self.error = error
            log.exception("the reloader's thread died")

    def _keep_going(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._stop or bool(self._jobs), _LOOK_S)
                if self._stop:
                    return
                job = self._jobs.pop(0) if self._jobs else None
            if job is None and self._watch is not None and self._watch.changed():
                job = _Job(None)
            if job is not None and job.outcome.set_running_or_notify_cancel():
                job.outcome.set_result(self._do(job.change))

    def _do(self, change: Change | None) -> ChangeOutcome:
        loaded: LoadedConfig | None = None
        self.state.begin()
        try:
            if change is None:
                if self._watch is not None:
                    self._watch.note()
                loaded = self._load()
                new = loaded.settings
            else:
                new = change(self._daemon.settings)
            sections = self._daemon.apply(new)
            if sections:
                self._taken_over(new)
                # What the old parts held: networks, pictures, a source's buffers.
                malloc.give_back()
        except Exception as error:
            if not isinstance(error, MatteboxError):
                log.exception("a change failed where nobody expected it")
            where = self.state.status().path if change is None else None
            mistakes = _mistakes(error, loaded, where or "the change")
            refusal = self.state.refuse(mistakes, from_file=change is None)
            log.error("not reloaded: the last good configuration stays", reason=refusal.reason)
            return ChangeOutcome(refusal=refusal)
        self.state.applied(changed=bool(sections), from_file=change is None)
        if not sections:
            log.info("reloaded: nothing has changed")
        return ChangeOutcome(sections)


def _mistakes(error: Exception, loaded: LoadedConfig | None, where: str) -> tuple[Mistake, ...]:
    """What is wrong, each with its place in the file where it has one, else told of ``where``."""
    if isinstance(error, InvalidConfig):
        return error.mistakes
    key = error.key if isinstance(error, NotApplied) else ""
    origin = loaded.origin(key) if loaded is not None else Origin(where)
    said = str(error) if isinstance(error, MatteboxError) else f"{type(error).__name__}: {error}"
    return (Mistake(origin, key, said),)


def _end(job: _Job) -> None:
    """Nobody will make it any more."""
    if not job.outcome.set_running_or_notify_cancel():
        return  # who asked has given up
    mistake = Mistake(Origin("mattebox"), "", "is stopping; nothing was changed")
    job.outcome.set_result(ChangeOutcome(refusal=Refusal(time.time(), (mistake,))))
