"""The thread that applies new settings to a running appliance, one change at a time.

Loading a network may take seconds, and a file system may answer late; neither may hold up signals,
the watchdog or the picture. So checking the file, reading it and building what it asks for all
happen here; everybody else asks and carries on, or waits with a deadline.
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

from appliance.config.accident import accidents
from appliance.config.load import InvalidConfig, LoadedConfig
from appliance.config.settings import OutputSettings, Settings
from appliance.config.status import ConfigState, Refusal
from appliance.config.tree import Mistake, Origin
from appliance.config.watch import ConfigWatch
from appliance.daemon.apply import NotApplied
from appliance.daemon.scene_state import SceneState, transition
from appliance.errors import ConfigError, MatteboxError
from appliance.system import malloc
from appliance.system.file_identity import Identity

_LOOK_S = 0.25
GONE = "is not there any more; the settings in use stay; put it back, or save a new one there"
# More changes at once are a mistake on somebody's part.
_MOST_WAITING = 8

log = structlog.get_logger(__name__)

Change = Callable[[Settings], Settings]


class Changeable(Protocol):
    """What the reloader needs of the daemon."""

    settings: Settings

    def apply(
        self, settings: Settings, *, read_again: bool = False, dissolve: int = 0
    ) -> frozenset[str]:
        """Switch to ``settings``; see ``appliance.daemon.apply.apply``."""
        ...


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """What became of a change.

    Attributes:
        changed: the sections that now differ, as "roi" or "outputs.0"; empty when none does.
        refusal: why nothing was changed; None when the change was made.
        dissolve_frames: for how many frames the picture before fades; 0: it was cut.
        note: what else there is to know, in words.
    """

    changed: frozenset[str] = frozenset()
    refusal: Refusal | None = None
    dissolve_frames: int = 0
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Switch:
    """Another scene: its name, and frames of a dissolve where it is not the scene's own."""

    name: str
    frames: int | None


@dataclass(slots=True)
class _Job:
    """A change to be made; None means reading the file again, ``asked`` to or not."""

    change: Change | _Switch | None
    asked: bool = True
    outcome: Future[ChangeOutcome] = field(default_factory=Future)


class Reloader:
    """Keeps a daemon's settings in step with the file; a bad file changes nothing and is logged.

    ``state`` tells any thread how things stand, ``scenes`` which there are and which is on.
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
            daemon: the one whose settings these are.
            load: reads file, environment and flags again; raises ConfigError.
            loaded: what it runs on now; its file, if any, is watched.
            taken_over: told the new settings once they are in use.
        """
        path = loaded.path
        self.state = ConfigState(None if path is None else str(path))
        self._daemon, self._load = daemon, load
        self._taken_over = taken_over
        self._loaded, self._text = loaded, loaded.text
        self.scenes = SceneState(loaded.settings, loaded.settings.scene)
        """Immutable, another one after each change."""
        self._watch = ConfigWatch(path, loaded.identity) if path is not None else None
        self._condition = threading.Condition()
        self._jobs: list[_Job] = []
        self._stop = self._gone = False
        self.extra: tuple[OutputSettings, ...] = ()
        """Outputs that are there until somebody ends them, whatever the file says: recordings."""
        self.error: BaseException | None = None
        """What ended the thread, if not ``stop``."""
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)

    def start(self) -> None:
        """Start watching the file."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> bool:
        """End the thread; False if a change is still being made after ``timeout`` seconds."""
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
        """Have the file read again, changed or not; the future holds the outcome.

        Never waits. One reading serves everybody who asks before it begins.
        """
        with self._condition:
            # Moved to the end, because the last change wins.
            job = next((job for job in self._jobs if job.change is None), None) or _Job(None)
            if job in self._jobs:
                self._jobs.remove(job)
            return self._put(job)

    def change(self, change: Change, timeout: float) -> ChangeOutcome:
        """Change the settings other than through the file, and wait for the outcome.

        ``change`` makes new settings from those in use at that moment; if it raises, the change is
        refused. The file is not touched: a change that is to last must be written there as well.

        Raises ConfigError when too many changes are already waiting, and TimeoutError after
        ``timeout`` seconds; the message says whether the change may still be made.
        """
        return self._wait_for(_Job(change), timeout)

    def switch(self, name: str, frames: int | None, timeout: float) -> ChangeOutcome:
        """Switch to the scene ``name`` ("none": to none), and wait for the outcome.

        ``frames``: of the dissolve, if not the scene's own. Where that scene is on already,
        nothing changes. Raises as ``change`` does.
        """
        return self._wait_for(_Job(_Switch(name, frames)), timeout)

    def _wait_for(self, job: _Job, timeout: float) -> ChangeOutcome:
        with self._condition:
            if len(self._jobs) >= _MOST_WAITING:
                raise ConfigError(
                    f"found {_MOST_WAITING} changes that wait to be made; try again in a second"
                )
            future = self._put(job)
        try:
            return future.result(timeout)
        except Late:
            dropped = future.cancel()
            if future.done() and not dropped:
                return future.result()
            then = "nothing was changed" if dropped else "it is still being made"
            raise TimeoutError(f"the change was not made within {timeout:g} s; {then}") from None

    def wrote(self, identity: Identity, text: str) -> None:
        """Expect the file to become this one, whose settings are already in use."""
        self._text = text
        if self._watch is not None:
            self._watch.expect(identity)

    def _put(self, job: _Job) -> Future[ChangeOutcome]:
        if self._stop:
            _end(job)
        else:
            self._jobs.append(job)
            self._condition.notify_all()
        return job.outcome

    # Below: inside the thread.

    def _run(self) -> None:
        try:
            self._keep_going()
        except BaseException as error:
            # Without this thread no change could ever be made again, so the daemon ends.
            self.error = error
            log.exception("the reloader's thread died")

    def _keep_going(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._stop or bool(self._jobs), _LOOK_S)
                if self._stop:
                    return
                job = self._jobs.pop(0) if self._jobs else None
            if job is None and self._watch is not None:
                job = _Job(None, asked=False) if self._watch.changed() else None
                self._note_whether_gone(self._watch.gone)
            if job is not None and job.outcome.set_running_or_notify_cancel():
                job.outcome.set_result(self._do(job.change, asked=job.asked))

    def _note_whether_gone(self, gone: bool) -> None:
        """Say once that the file has gone: nothing else would, until somebody asks to reload."""
        if gone and not self._gone:
            path = str(self.state.status().path)
            mistake = Mistake(Origin(path), "", GONE)
            self.state.refuse((mistake,))
            log.warning("the configuration file is gone", path=path, what=GONE)
        self._gone = gone

    def _do(self, change: Change | _Switch | None, *, asked: bool) -> ChangeOutcome:
        loaded: LoadedConfig | None = None
        before = after = self.scenes
        shown = self._daemon.settings
        self.state.begin()
        try:
            if change is None:
                loaded = self._read(asked=asked)
                after = before.reread(loaded.settings)
                new = with_extra(after.in_use, self.extra)
            elif isinstance(change, _Switch):
                after = before.switched(change.name)
                # With the scene that is on, what is in use stays as it is.
                new = with_extra(after.in_use, self.extra) if after != before else shown
            else:
                new = change(shown)
                after = before.changed(shown, new)
            wish = change.frames if isinstance(change, _Switch) else None
            how = transition(before, after, shown, new, wish)
            sections = self._daemon.apply(new, read_again=change is None, dissolve=how.frames)
            self.scenes = after
            if loaded is not None:
                self._loaded, self._text = loaded, loaded.text
            if sections:
                self._taken_over(new)
                # The memory of the old parts: networks, pictures, a source's buffers.
                malloc.give_back()
        except Exception as error:
            if not isinstance(error, MatteboxError):
                log.exception("a change failed where nobody expected it")
            return self._refused(error, after, loaded, change)
        # Whether it made a difference to what runs, or only to which scenes there are.
        sections |= after.differing(before) if not callable(change) else frozenset()
        self.state.applied(changed=bool(sections), from_file=change is None)
        if not sections:
            log.info("reloaded: nothing has changed")
        if after.active != before.active:
            log.info("scene", name=after.active, dissolve_frames=how.frames, note=how.note)
        return ChangeOutcome(sections, dissolve_frames=how.frames, note=how.note)

    def _read(self, *, asked: bool) -> LoadedConfig:
        """The file as it is now. Raises InvalidConfig."""
        if self._watch is not None:
            self._watch.note()
        loaded = self._load()
        found = accidents(self.scenes.base, self._text, loaded, asked=asked)
        if found:
            raise InvalidConfig(found)
        return loaded

    def _refused(
        self, error: Exception, wanted: SceneState, loaded: LoadedConfig | None,
        change: Change | _Switch | None,
    ) -> ChangeOutcome:  # fmt: skip
        if isinstance(change, _Switch):
            # What a scene says stands in the file that was read last.
            loaded = self._loaded
        where = self.state.status().path if change is None else None
        mistakes = _mistakes(error, loaded, where or "the change", wanted)
        refusal = self.state.refuse(mistakes, from_file=change is None)
        if isinstance(change, _Switch):
            log.error("not switched: the scene before stays", reason=refusal.reason)
        else:
            log.error("not reloaded: the last good configuration stays", reason=refusal.reason)
        return ChangeOutcome(refusal=refusal)


def with_extra(settings: Settings, extra: tuple[OutputSettings, ...]) -> Settings:
    """``settings`` with the outputs ``extra`` as well, where they have not got them."""
    there = {output.uri for output in settings.outputs}
    more = tuple(output for output in extra if output.uri not in there)
    return settings.model_copy(update={"outputs": (*settings.outputs, *more)}) if more else settings


def _mistakes(
    error: Exception, loaded: LoadedConfig | None, where: str, wanted: SceneState
) -> tuple[Mistake, ...]:
    """What is wrong, each with its place in the file if it has one, else with ``where``."""
    if isinstance(error, InvalidConfig):
        return error.mistakes
    key = wanted.placed(error.key) if isinstance(error, NotApplied) else ""
    origin = loaded.origin(key) if loaded is not None else Origin(where)
    said = str(error) if isinstance(error, MatteboxError) else f"{type(error).__name__}: {error}"
    return (Mistake(origin, key, said),)


def _end(job: _Job) -> None:
    """Refuse a change that will no longer be made."""
    if not job.outcome.set_running_or_notify_cancel():
        return  # whoever asked has given up
    mistake = Mistake(Origin("mattebox"), "", "is stopping; nothing was changed")
    job.outcome.set_result(ChangeOutcome(refusal=Refusal(time.time(), (mistake,))))
